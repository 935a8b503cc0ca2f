"""The commands of the pods run with the environment and the Secrets of the manifests, without a cluster."""

import asyncio
import base64
import os
import re
import subprocess
import urllib.request
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from tests.authority import HUSHPOST
from tests.conftest import RunningAuthority
from tests.free_port import free_port
from tests.http_process import HttpProcess
from tests.sql.conftest import new_database

from .manifests import (
    ROOT,
    Manifest,
    built,
    container_of,
    environment_of,
    of_kind,
    secret_files,
    workload,
)

OVERLAY = "overlays/production"
PAGE = ROOT / "docs/how-to/kubernetes.md"
TIMEOUT_SECONDS = 60

DRY_RUN = """
set -euo pipefail
kubectl() {
  [ "$1 $2" = "create namespace" ] && return
  command kubectl "$@" --dry-run=client -o yaml >>"$SECRETS"
  echo --- >>"$SECRETS"
}
"""
"""Lets the page's commands write Secrets to a file instead of a cluster."""


@dataclass
class Cluster:
    """Replaces a cluster: folders as volumes, free ports instead of addresses.

    Attributes:
        folder: Where the paths of the pods are.
        database_url: The address of the database.
        secrets: The content of Secrets by name and key.
    """

    folder: Path
    database_url: str
    secrets: dict[str, dict[str, bytes]]
    _ports: dict[tuple[str, str], int] = field(default_factory=dict)

    def port(self, pod: str, address: str) -> int:
        """Return the port that a pod uses here instead of one in the manifests."""
        return self._ports.setdefault((pod, address.rpartition(":")[2]), free_port())

    def environment(self, pod: str, component: str) -> dict[str, str]:
        """Mount the Secrets of a pod, and return its environment."""
        objects = built(OVERLAY)
        pods = workload(objects, component)
        for path, name, keys in secret_files(pods):
            # Optional Secrets need not exist: their folders are empty then.
            secret = self.secrets.get(name, {})
            self._mount(pod, path, {key: secret[key] for key in keys or secret})
        variables = environment_of(pods, objects)
        if component in {"authority", "migrate"}:
            variables["HUSHPOST_DATABASE_URL"] = self.database_url
        unset = {name: value for name, value in os.environ.items() if "HUSHPOST" not in name}
        return {**unset, **{name: self._here(pod, value) for name, value in variables.items()}}

    def _mount(self, pod: str, path: str, content: dict[str, bytes]) -> None:
        folder = self.folder / pod / path.lstrip("/")
        folder.mkdir(parents=True)
        for key, value in content.items():
            (folder / key).touch(0o600)
            (folder / key).write_bytes(value)
            (folder / key).chmod(0o440)
        folder.chmod(0o550)

    def _here(self, pod: str, value: str) -> str:
        if value.startswith("/"):
            return str(self.folder / pod / value.lstrip("/"))
        if value.startswith("0.0.0.0:"):
            return f"127.0.0.1:{self.port(pod, value)}"
        if value.startswith("hushpost-authority:"):
            return f"localhost:{self.port('authority-0', value)}"
        return value


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The Secrets that the commands of the page create."""
    built(OVERLAY)  # skips without kubectl
    folder = tmp_path_factory.mktemp("secrets")
    _, _, section = PAGE.read_text("utf-8").partition("\n## Create the Secrets\n")
    script = section.split("```bash\n")[1].split("```")[0]
    environment = {
        **os.environ,
        "PATH": f"{HUSHPOST.parent}:{os.environ['PATH']}",
        "SECRETS": str(folder / "secrets.yaml"),
    }
    subprocess.run(
        ["bash", "-c", DRY_RUN + script],  # noqa: S607
        cwd=folder,
        env=environment,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    return {
        each["metadata"]["name"]: {
            key: base64.b64decode(value) for key, value in each["data"].items()
        }
        for each in yaml.safe_load_all((folder / "secrets.yaml").read_text())
        if each
    }


@pytest.fixture
async def cluster(
    authority: RunningAuthority, secrets: dict[str, dict[str, bytes]], tmp_path: Path
) -> AsyncIterator[Cluster]:
    """A database without a schema, and the Secrets of the page."""
    async with new_database(authority) as url:
        yield Cluster(tmp_path, url, dict(secrets))


def run(environment: dict[str, str], *arguments: str | Path) -> str:
    """Run a command to its end; return what it prints."""
    return subprocess.run(
        [HUSHPOST, *arguments],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    ).stdout


def probes(component: str) -> list[Manifest]:
    """Return the probes of the pods of a component."""
    container = container_of(workload(built(OVERLAY), component))
    return [container[kind] for kind in ("startupProbe", "readinessProbe", "livenessProbe")]


async def grpc_status(cluster: Cluster, pod: str, probe: Manifest) -> int:
    """Do what the kubelet does for a gRPC probe: without TLS and without a key."""
    port = cluster.port(pod, f":{probe['grpc']['port']}")
    request = health_pb2.HealthCheckRequest(service=probe["grpc"].get("service", ""))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        response = await stub.Check(request, timeout=TIMEOUT_SECONDS, wait_for_ready=True)
    return int(response.status)


def page(port: int, path: str) -> str:
    """Return a page of a pod; raise HTTPError unless its status is 200."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as response:
        content: bytes = response.read()
    return content.decode()


def series(metrics: str) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    """Return the names and labels of all series."""
    return {
        (sample.name, frozenset(sample.labels.items()))
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
    }


async def start_authorities(cluster: Cluster, stack: ExitStack) -> dict[str, str]:
    """Start two authorities at once; return the environment of the first."""
    environments = [cluster.environment(f"authority-{number}", "authority") for number in (0, 1)]
    processes = [
        HttpProcess(
            [str(HUSHPOST), *container_of(workload(built(OVERLAY), "authority"))["args"]],
            int(environment["HUSHPOST_METRICS_LISTEN"].rpartition(":")[2]),
            cluster.folder / f"authority-{number}.log",
            environment,
            "/metrics",
        )
        for number, environment in enumerate(environments)
    ]
    for process in processes:
        stack.callback(process.kill)
    await asyncio.gather(*(asyncio.to_thread(process.start) for process in processes))
    return environments[0]


def start_http(cluster: Cluster, stack: ExitStack, component: str) -> int:
    """Start an edge or a dashboard until its readiness probe succeeds; return its port."""
    environment = cluster.environment(component, component)
    prefix = f"HUSHPOST_{component.upper()}"
    environment[f"{prefix}_DRAIN_SECONDS"] = "0"
    port = int(environment[f"{prefix}_LISTEN"].rpartition(":")[2])
    ready = probes(component)[1]["httpGet"]["path"]
    arguments = container_of(workload(built(OVERLAY), component))["args"]
    log = cluster.folder / f"{component}.log"
    stack.enter_context(HttpProcess([str(HUSHPOST), *arguments], port, log, environment, ready))
    return port


async def test_pods_get_ready_in_the_order_of_the_page(cluster: Cluster) -> None:
    """The Job migrates, two authorities start with one keyring, then an edge and a dashboard."""
    migrating = cluster.environment("migrate", "migrate")
    (command,) = container_of(workload(built(OVERLAY), "migrate"))["args"]
    assert "migrated the schema from revision none" in run(migrating, command)
    with ExitStack() as stack:
        authority = await start_authorities(cluster, stack)
        for pod in ("authority-0", "authority-1"):
            for probe in probes("authority"):
                status = await grpc_status(cluster, pod, probe)
                assert status == health_pb2.HealthCheckResponse.SERVING
        check_metrics_of_the_autoscaler(cluster.port("authority-0", ":9464"))
        create_edge_key(cluster, authority)
        for component in ("edge", "dashboard"):
            port = start_http(cluster, stack, component)
            for probe in probes(component):
                assert page(port, probe["httpGet"]["path"]).startswith("ok")
            assert f"hushpost_{component}_" in page(port, "/metrics")


def check_metrics_of_the_autoscaler(port: int) -> None:
    """Check that each custom metric of the HorizontalPodAutoscaler is served."""
    (scaler,) = of_kind(built(OVERLAY), "HorizontalPodAutoscaler")
    metrics = [each["pods"]["metric"] for each in scaler["spec"]["metrics"] if "pods" in each]
    assert metrics
    served = series(page(port, "/metrics"))
    for metric in metrics:
        labels = frozenset(metric.get("selector", {}).get("matchLabels", {}).items())
        assert (metric["name"], labels) in served


def create_edge_key(cluster: Cluster, authority: dict[str, str]) -> None:
    """Create the Secret with the API key of the edges with the commands of the page."""
    (listed,) = re.findall(
        r"^hushpost (keys create edge .*)$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    folder = cluster.folder / "keys"
    folder.mkdir()
    (folder / "ca.crt").write_bytes(cluster.secrets["hushpost-authority-tls"]["ca.crt"])
    (folder / "admin.key").touch(0o600)
    (folder / "admin.key").write_text(run(authority, "admin-key"))
    port = authority["HUSHPOST_LISTEN"].rpartition(":")[2]
    subprocess.run(
        [HUSHPOST, *listed.split()],
        cwd=folder,
        env={**authority, "HUSHPOST_AUTHORITY": f"localhost:{port}"},
        check=True,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
    )
    key = (folder / "edge.key").read_bytes()
    cluster.secrets["hushpost-edge-api-key"] = {"edge.key": key}
