"""Reads the Kubernetes manifests: the files, what Kustomize builds from them, and parts of objects."""

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/kubernetes"
OVERLAYS = ("base", "overlays/small", "overlays/production")
OURS = "hushpost"

Manifest = dict[str, Any]


def files() -> list[Path]:
    """Return all files of objects, without those that tell Kustomize what to do."""
    return sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml")


def objects_in(path: Path) -> list[Manifest]:
    """Return the objects of a file."""
    return list(yaml.safe_load_all(path.read_text("utf-8")))


@cache
def built(overlay: str) -> list[Manifest]:
    """Return the objects that Kustomize builds; skip the test if there is no kubectl."""
    return build(FOLDER / overlay)


def build(folder: Path) -> list[Manifest]:
    """Return the objects that Kustomize builds from any folder; skip the test if there is no kubectl."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed; it contains Kustomize")
    done = subprocess.run(
        [kubectl, "kustomize", folder],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not done.stderr, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(objects: Iterable[Manifest], *kinds: str) -> list[Manifest]:
    """Return the objects of some kinds."""
    return [each for each in objects if each["kind"] in kinds]


def name_of(manifest: Manifest) -> str:
    """Return the name of an object."""
    return str(manifest["metadata"]["name"])


def workloads(objects: Iterable[Manifest]) -> list[Manifest]:
    """Return the objects that have pods."""
    return of_kind(objects, "Deployment", "StatefulSet", "Job")


def pod_of(workload: Manifest) -> Manifest:
    """Return the `spec` of the pods of a workload."""
    spec: Manifest = workload["spec"]["template"]["spec"]
    return spec


def container_of(workload: Manifest) -> Manifest:
    """Return the container of the pods of a workload; each has one."""
    (container,) = pod_of(workload)["containers"]
    return dict(container)


def labels_of(workload: Manifest) -> dict[str, str]:
    """Return the labels of the pods of a workload."""
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def hushpost_workloads(objects: Iterable[Manifest]) -> list[Manifest]:
    """Return the workloads that run `hushpost`, not those of other programs."""
    return [
        each for each in workloads(objects) if labels_of(each).get("app.kubernetes.io/name") == OURS
    ]


def workload(objects: Iterable[Manifest], component: str) -> Manifest:
    """Return the workload of a component, such as "edge"."""
    (found,) = [
        each
        for each in workloads(objects)
        if labels_of(each)["app.kubernetes.io/component"] == component
    ]
    return found


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Return whether a label selector matches labels."""
    wanted = selector.get("matchLabels", {})
    expressions = selector.get("matchExpressions", [])
    assert all(each["operator"] == "In" for each in expressions)
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        labels.get(each["key"]) in each["values"] for each in expressions
    )


def environment_of(workload: Manifest, objects: Iterable[Manifest]) -> dict[str, str]:
    """Return the environment variables of a container, without those from Secrets."""
    container = container_of(workload)
    maps = {name_of(each): each["data"] for each in of_kind(objects, "ConfigMap")}
    variables: dict[str, str] = {}
    for source in container.get("envFrom", []):
        variables |= maps[source["configMapRef"]["name"]]
    for variable in container.get("env", []):
        if "value" in variable:
            variables[variable["name"]] = variable["value"]
    return variables


def secret_variables(workload: Manifest) -> dict[str, tuple[str, str]]:
    """Return the environment variables from Secrets: the name of the Secret and the key of each."""
    return {
        variable["name"]: (reference["name"], reference["key"])
        for variable in container_of(workload).get("env", [])
        if (reference := variable.get("valueFrom", {}).get("secretKeyRef"))
    }


def secret_files(workload: Manifest) -> Iterator[tuple[str, str, tuple[str, ...] | None]]:
    """Yield the path, the name and the keys of each mounted Secret; None for all its keys."""
    secrets = {
        volume["name"]: volume["secret"]
        for volume in pod_of(workload).get("volumes", [])
        if "secret" in volume
    }
    for mount in container_of(workload).get("volumeMounts", []):
        if secret := secrets.get(mount["name"]):
            items = secret.get("items")
            keys = None if items is None else tuple(item["key"] for item in items)
            yield mount["mountPath"], secret["secretName"], keys
