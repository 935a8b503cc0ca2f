"""The Kubernetes manifests are valid, and agree with each other, with Hushpost and with their page."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_validate.utils import validate
from pydantic_settings import BaseSettings
from typer.main import get_command

import hushpost_dashboard.settings
import hushpost_edge.settings
import hushpost_service.settings
from hushpost_cli._app import build
from hushpost_runtime.settings import environment_variable, read_settings

from .manifests import (
    FOLDER,
    OVERLAYS,
    ROOT,
    Manifest,
    built,
    container_of,
    environment_of,
    files,
    hushpost_workloads,
    labels_of,
    name_of,
    objects_in,
    of_kind,
    pod_of,
    secret_files,
    secret_variables,
    workload,
    workloads,
)

PAGE = ROOT / "docs/how-to/kubernetes.md"
VERSIONS = ("1.30", "1.37")
"""The oldest version that the page promises, and the newest that the validator knows."""

SETTINGS: dict[str, type[BaseSettings]] = {
    "serve": hushpost_service.settings.Settings,
    "migrate": hushpost_service.settings.Settings,
    "edge": hushpost_edge.settings.Settings,
    "dashboard": hushpost_dashboard.settings.Settings,
}
STOP_SECONDS = {
    "serve": ("shutdown_seconds", 10),
    "edge": ("drain_seconds", 20),
    "dashboard": ("drain_seconds", 20),
}
"""The setting of the time that a command takes to stop, and how long it may take beyond that."""

overlays = pytest.mark.parametrize("overlay", OVERLAYS)


def own_pods(overlay: str) -> Iterator[tuple[Manifest, str, Any]]:
    """Yield each workload that runs `hushpost`, its command, and its settings if they are valid."""
    objects = built(overlay)
    for each in hushpost_workloads(objects):
        command = container_of(each)["args"][0]
        variables = environment_of(each, objects)
        variables |= dict.fromkeys(secret_variables(each), "postgresql://database.example.com/x")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            yield each, command, read_settings(SETTINGS[command])


def documented_secrets() -> dict[str, set[str]]:
    """Return the keys of the Secrets that commands of the page create."""
    page = PAGE.read_text("utf-8").replace("\\\n", " ")
    found: dict[str, set[str]] = {}
    for name, options in re.findall(r"create secret generic (\S+) (.*)", page):
        keys = re.findall(r"--from-(?:file|literal)=([^\s=]+)", options)
        found.setdefault(name, set()).update(keys)
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_files_are_valid(path: Path, version: str) -> None:
    """Each object in a file has only fields that its schema has, with values of their types."""
    for each in objects_in(path):
        validate(each, version, strict=True)


@overlays
@pytest.mark.parametrize("version", VERSIONS)
def test_what_kustomize_builds_is_valid(overlay: str, version: str) -> None:
    """The same is true of each object with the patches of an overlay."""
    for each in built(overlay):
        validate(each, version, strict=True)


def test_every_file_is_in_a_kustomization() -> None:
    """Each file of objects is a resource of the kustomization in its folder."""
    listed = {
        path.parent / resource
        for path in FOLDER.rglob("kustomization.yaml")
        for resource in yaml.safe_load(path.read_text("utf-8"))["resources"]
    }
    assert set(files()) <= listed


@overlays
def test_commands_and_options_exist(overlay: str) -> None:
    """Each container runs a command of `hushpost` with options that it has."""
    commands: Any = get_command(build())
    seen = set()
    for each, command, _ in own_pods(overlay):
        options = [word.partition("=")[0] for word in container_of(each)["args"][1:]]
        found = commands.get_command(None, command)
        assert found is not None, command
        known = {name for parameter in found.params for name in parameter.opts}
        assert set(options) <= known
        assert "command" not in container_of(each), "the image's entry point is hushpost"
        seen.add(command)
    assert seen == SETTINGS.keys()


@overlays
def test_variables_are_settings_of_the_command(overlay: str) -> None:
    """Each variable is a setting of the command in its container; `own_pods` reads the values."""
    for each, command, _ in own_pods(overlay):
        settings = SETTINGS[command]
        known = {environment_variable(settings, name) for name in settings.model_fields}
        assert {*environment_of(each, built(overlay)), *secret_variables(each)} <= known


@overlays
def test_only_the_job_migrates(overlay: str) -> None:
    """Authorities leave the schema to the Job, and no API key is sent without encryption."""
    for _, command, settings in own_pods(overlay):
        if command == "serve":
            assert not settings.migrate
            settings.check_encryption()
            assert settings.tls_certificate is not None
        if command in {"edge", "dashboard"}:
            assert settings.tls is not False
            assert settings.ca_file is not None


@overlays
def test_ports_are_those_that_the_commands_listen_on(overlay: str) -> None:
    """The ports of a container, of its probes and for Prometheus are those of its settings."""
    for each, command, settings in own_pods(overlay):
        container = container_of(each)
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        listening = {
            name: int(str(value).rpartition(":")[2])
            for name, value in settings
            if name.endswith("listen") and value is not None and command != "migrate"
        }
        assert sorted(ports.values()) == sorted(listening.values())
        probes = [container[kind] for kind in container if kind.endswith("Probe")]
        assert len(probes) == (0 if command == "migrate" else 3)
        for probe in probes:
            if command == "serve":
                assert probe["grpc"]["port"] == listening["health_listen"]
            else:
                assert ports[probe["httpGet"]["port"]] == listening["listen"]
        if command != "migrate":
            annotations = each["spec"]["template"]["metadata"]["annotations"]
            metrics = listening.get("metrics_listen", listening["listen"])
            assert annotations["prometheus.io/port"] == str(metrics)


@overlays
def test_clients_have_the_name_of_the_authoritys_service(overlay: str) -> None:
    """Edges and dashboards connect to a Service without an address, which has that port."""
    services = {name_of(each): each["spec"] for each in of_kind(built(overlay), "Service")}
    for _, command, settings in own_pods(overlay):
        if command in {"edge", "dashboard"}:
            host, _, port = settings.authority.rpartition(":")
            assert services[host]["clusterIP"] == "None"
            assert [str(each["port"]) for each in services[host]["ports"]] == [port]
            assert f"DNS:{host}," in PAGE.read_text("utf-8"), "the certificate has another name"


@overlays
def test_pods_have_time_to_stop(overlay: str) -> None:
    """Kubernetes kills a pod later than its command ends by itself."""
    for each, command, settings in own_pods(overlay):
        if command in STOP_SECONDS:
            name, beyond = STOP_SECONDS[command]
            grace = pod_of(each)["terminationGracePeriodSeconds"]
            assert grace > max(30, getattr(settings, name) + beyond)


@overlays
def test_secrets_are_those_that_the_page_creates(overlay: str) -> None:
    """Each Secret that a pod needs, with its keys, is created by a command of the page."""
    documented = documented_secrets()
    needed: dict[str, set[str]] = {}
    for each in workloads(built(overlay)):
        for name, key in secret_variables(each).values():
            needed.setdefault(name, set()).add(key)
        for _, name, keys in secret_files(each):
            needed.setdefault(name, set()).update(keys or ())
    for name, wanted in needed.items():
        assert documented.get(name), name
        assert wanted <= documented[name], name
    ingresses = of_kind(built(overlay), "Ingress")
    for certificate in [tls["secretName"] for each in ingresses for tls in each["spec"]["tls"]]:
        assert f"`{certificate}`" in PAGE.read_text("utf-8")


@overlays
def test_paths_in_settings_are_mounted(overlay: str) -> None:
    """Each path of a setting is a key of a mounted Secret, or on a volume that can be written."""
    documented = documented_secrets()
    for each, command, settings in own_pods(overlay):
        volumes = {volume["name"]: volume for volume in pod_of(each).get("volumes", [])}
        claims = {name_of(claim) for claim in each["spec"].get("volumeClaimTemplates", [])}
        mounts = {
            mount["mountPath"]: mount["name"]
            for mount in container_of(each).get("volumeMounts", [])
        }
        assert set(mounts.values()) == volumes.keys() | claims
        secrets = {path: (name, keys) for path, name, keys in secret_files(each)}
        for name, value in settings:
            if not isinstance(value, Path) or command == "migrate":
                continue
            path = next(path for path in mounts if value.is_relative_to(path))
            if path in secrets:
                secret, keys = secrets[path]
                assert str(value.relative_to(path)) in (keys or documented[secret]), name
            else:
                volume = volumes.get(mounts[path], {})
                assert mounts[path] in claims or "emptyDir" in volume, name


@overlays
def test_config_maps_and_accounts_exist(overlay: str) -> None:
    """Each ConfigMap that a pod names is in the overlay; pods have no account to call the API with."""
    objects = built(overlay)
    maps = {name_of(each): each["metadata"]["labels"] for each in of_kind(objects, "ConfigMap")}
    used = set()
    for each in workloads(objects):
        for source in container_of(each).get("envFrom", []):
            name = source["configMapRef"]["name"]
            used.add(name)
            # So that `kubectl apply -l`, by which the page upgrades, applies both.
            assert labels_of(each).items() <= maps[name].items()
        assert "serviceAccountName" not in pod_of(each)
        assert pod_of(each)["automountServiceAccountToken"] is False
    assert used == maps.keys()


@overlays
def test_pods_keep_to_the_restricted_profile(overlay: str) -> None:
    """No pod may run as root, gain privileges or write to its image (Pod Security Standards)."""
    objects = built(overlay)
    (namespace,) = of_kind(objects, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for each in workloads(objects):
        pod, container = pod_of(each)["securityContext"], container_of(each)["securityContext"]
        assert pod["runAsNonRoot"] is True
        assert pod["runAsUser"] > 0
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        resources = container_of(each)["resources"]
        assert resources["requests"].keys() == {"cpu", "memory"}
        assert "memory" in resources["limits"]
    uids = {pod_of(each)["securityContext"]["runAsUser"] for each in hushpost_workloads(objects)}
    assert len(uids) == 1
    assert f"--uid {uids.pop()}" in (ROOT / "Dockerfile").read_text("utf-8")


@overlays
def test_connections_suffice_for_all_authorities(overlay: str) -> None:
    """PostgreSQL's default of 100 connections suffices while one authority more than usual runs."""
    objects = built(overlay)
    scalers = of_kind(objects, "HorizontalPodAutoscaler")
    replicas = workload(objects, "authority")["spec"].get("replicas", 1)
    most = max([replicas, *(each["spec"]["maxReplicas"] for each in scalers)]) + 1
    (settings,) = [settings for _, command, settings in own_pods(overlay) if command == "serve"]
    assert most * (settings.connections + 4 + 1) < 97
