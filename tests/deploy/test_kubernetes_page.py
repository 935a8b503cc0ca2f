"""What the page about Kubernetes tells the operator to write fits the manifests."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hushpost_service.tokens.keyring import Keyring
from tests.authority import HUSHPOST
from tests.conftest import RunningAuthority
from tests.sql.conftest import new_database

from .manifests import (
    FOLDER,
    OVERLAYS,
    ROOT,
    build,
    built,
    environment_of,
    hushpost_workloads,
    labels_of,
    secret_files,
    secret_variables,
    workload,
    workloads,
)
from .network import Address, PodOf, may_leave

PAGE = (ROOT / "docs/how-to/kubernetes.md").read_text("utf-8")
COMPONENT = "__meta_kubernetes_pod_label_app_kubernetes_io_component"
GIBIBYTE = 1 << 30

IN_THE_POD = """
kubectl() { while [ "$1" != -- ]; do shift; done; shift; "$@"; }
"""
"""Runs on this machine what the page runs in a pod."""

overlays = pytest.mark.parametrize("overlay", OVERLAYS)


def scrape_config(source: str) -> Any:
    """Return the jobs of a configuration of Prometheus."""
    return yaml.safe_load(source)["scrape_configs"]


@overlays
def test_prometheus_names_the_jobs_as_alerts_and_dashboards_expect(overlay: str) -> None:
    """The page builds the name of the job from a label of the pods."""
    (block,) = re.findall(r"^```yaml\n(rule_files:.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (job,) = scrape_config(block)
    (rule,) = [each for each in job["relabel_configs"] if each.get("target_label") == "job"]
    assert rule["source_labels"] == [COMPONENT]
    named = {
        rule["replacement"].replace("$1", labels_of(each)["app.kubernetes.io/component"])
        for each in hushpost_workloads(built(overlay))
        if "prometheus.io/port" in each["spec"]["template"]["metadata"].get("annotations", {})
    }
    compose = scrape_config((ROOT / "deploy/prometheus.yaml").read_text("utf-8"))
    assert named == {each["job_name"] for each in compose}


@overlays
def test_the_ca_of_the_database_is_mounted_where_the_address_names_it(overlay: str) -> None:
    """All pods that have the address also have the Secret that the page creates."""
    (path,) = re.findall(r"sslrootcert=(\S+)/ca\.crt", PAGE)
    having = [
        each
        for each in hushpost_workloads(built(overlay))
        if "HUSHPOST_DATABASE_URL" in secret_variables(each)
    ]
    assert len(having) == 2
    for each in having:
        assert (path, "hushpost-database-ca", None) in list(secret_files(each))


@overlays
def test_the_spool_takes_a_quarter_of_its_volume(overlay: str) -> None:
    """The page says so; links, the write-ahead log and the reserve need space, too."""
    objects = built(overlay)
    edge = workload(objects, "edge")
    (claim,) = edge["spec"]["volumeClaimTemplates"]
    size = claim["spec"]["resources"]["requests"]["storage"]
    spool = int(environment_of(edge, objects)["HUSHPOST_EDGE_SPOOL_BYTES"])
    assert 4 * spool == int(size.removesuffix("Gi")) * GIBIBYTE


@pytest.mark.parametrize("overlay", ["overlays/small", "overlays/production"])
@pytest.mark.parametrize(
    "target", [PodOf("dns", {"app": "coredns"}), Address("10.96.0.10")], ids=["pods", "address"]
)
def test_the_patch_of_the_page_allows_another_dns(
    overlay: str, target: PodOf | Address, tmp_path: Path
) -> None:
    """In a copy of an overlay, it lets all pods ask a DNS that the base does not know."""
    (patch,) = re.findall(
        r"^```yaml\n( +- target:\n.*?hushpost-dns.*?)^```", PAGE, re.MULTILINE | re.DOTALL
    )
    shutil.copytree(FOLDER, tmp_path / "kubernetes")
    file = tmp_path / "kubernetes" / overlay / "kustomization.yaml"
    before, after = file.read_text("utf-8").split("patches:\n")
    file.write_text(f"{before}patches:\n{patch}{after}", "utf-8")
    changed = build(file.parent)
    for pods in workloads(changed):
        for protocol in ("UDP", "TCP"):
            assert not may_leave(built(overlay), pods, target, protocol, 53)
            assert may_leave(changed, pods, target, protocol, 53)


def activate(folder: Path, database_url: str) -> None:
    """Run the commands of the page that activate a key, in a folder with two copies of the keyring."""
    (commands,) = re.findall(
        r"^    (umask 077\n    kubectl.* sh -c .*?keyring\.json\n)\n",
        PAGE,
        re.MULTILINE | re.DOTALL,
    )
    pod = folder / "pod"
    script = commands.replace("/etc/hushpost/keyring", str(pod)).replace("cd /tmp", f"cd {pod}")
    subprocess.run(
        ["bash", "-c", IN_THE_POD + script],  # noqa: S607
        cwd=folder,
        env={
            "PATH": f"{HUSHPOST.parent}:{os.environ['PATH']}",
            "HUSHPOST_DATABASE_URL": database_url,
        },
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert sorted(path.name for path in pod.iterdir()) == ["keyring.json"]


async def test_the_operators_keyring_survives_a_failed_activation(
    authority: RunningAuthority, tmp_path: Path
) -> None:
    """The commands of the page replace the file by the activated one, or leave it as it is."""
    (tmp_path / "pod").mkdir()
    own = tmp_path / "keyring.json"
    Keyring.generate().with_new_key().save(own)
    (tmp_path / "pod/keyring.json").write_bytes(own.read_bytes())
    before = own.read_bytes()

    activate(tmp_path, "postgresql://hushpost@127.0.0.1:1/hushpost")
    assert own.read_bytes() == before

    async with new_database(authority) as url:
        activate(tmp_path, url)
    assert Keyring.load(own).active == Keyring.load(own).highest
