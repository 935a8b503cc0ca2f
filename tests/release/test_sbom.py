"""The SBOM lists what is installed at run time, and nothing else."""

import json
import tomllib
from importlib.metadata import version
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from .conftest import ROOT


def names(sbom: dict[str, Any]) -> dict[str, str]:
    """Return the versions of all components by name."""
    return {each["name"].lower(): each["version"] for each in sbom["components"]}


def test_it_lists_packages_of_all_extras_with_their_versions(sbom: dict[str, Any]) -> None:
    """Direct and indirect requirements are there, with the versions that are installed."""
    found = names(sbom)
    for package in ("grpcio", "asyncpg", "greenlet", "granian", "turbohtml", "pygrpc-native"):
        assert found[package] == version(package)


def test_development_requirements_are_left_out(sbom: dict[str, Any]) -> None:
    """What only tests and builds need is neither a component nor a dependency of one."""
    assert not {"pytest", "mypy", "hatchling", "cyclonedx-bom", "matplotlib"} & {*names(sbom)}
    references = {each["bom-ref"] for each in sbom["components"]}
    references.add(sbom["metadata"]["component"]["bom-ref"])
    needed = {other for each in sbom["dependencies"] for other in each.get("dependsOn", ())}
    assert needed <= references


def test_the_chart_library_is_listed(sbom: dict[str, Any]) -> None:
    """The packages of npm in the wheel are those of the lock file."""
    lock = json.loads((ROOT / "clients/hushpost_dashboard/package-lock.json").read_text())
    purls = {each["purl"] for each in sbom["components"] if each.get("purl", "")[:8] == "pkg:npm/"}
    assert len(purls) == len(lock["packages"]) - 1 > 2


def test_it_names_the_release(sbom: dict[str, Any]) -> None:
    """The main component is Hushpost, in the version of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    main = sbom["metadata"]["component"]
    assert (main["name"], main["version"]) == ("hushpost", project["version"])


def test_it_is_valid(sbom: dict[str, Any]) -> None:
    """It follows the schema. A few components suffice here; `make sbom` validates all of them."""
    kept = {"chart.js", "cryptography", "crawler-user-agents", "aiosmtpd"}
    components = [each for each in sbom["components"] if each["name"] in kept]
    assert len(components) == len(kept)
    part = json.dumps({**sbom, "components": components, "dependencies": []})
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(part) is None
