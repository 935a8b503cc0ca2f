"""Writes the SBOM of a release (CycloneDX, JSON): `write_sbom.py FILE [--no-validate]`.

It lists what `pip install hushpost` with all extras installs, in the versions of this environment, and the chart
library that the wheel contains. Development requirements are left out. Validating takes much longer than the rest.
"""

import argparse
import base64
import json
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import distribution, metadata
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = "hushpost"
NPM_LOCK = ROOT / "clients" / "hushpost_dashboard" / "package-lock.json"
VERSION = SchemaVersion.V1_6
NEEDED_BY = "hushpost:needed-by"
"""A property of each component: the extras that need it."""


def packages_by_extra() -> dict[str, set[str]]:
    """Return the packages that each extra needs; those of the bare package are under ""."""
    extras = metadata(PROJECT).get_all("Provides-Extra") or []
    return {extra: _closure(PROJECT, {extra}) for extra in ("", *sorted(extras))}


def _closure(package: str, extras: Iterable[str]) -> set[str]:
    """Return the packages that a package needs, directly or not, with some of its extras."""
    found: set[tuple[str, str]] = set()
    pending = [(package, extra) for extra in ("", *extras)]
    while pending:
        name, extra = pending.pop()
        if (name, extra) in found:
            continue
        found.add((name, extra))
        for text in distribution(name).requires or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                other = canonicalize_name(needed.name)
                pending += [(other, each) for each in ("", *needed.extras)]
    return {name for name, _ in found} - {package}


def sbom() -> dict[str, Any]:
    """Return the SBOM. It is the same for the same versions: it contains no time."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "cyclonedx_py", "environment", sys.executable),
            f"--pyproject={ROOT / 'pyproject.toml'}",
            *("--mc-type=application", "--output-reproducible", "--no-validate"),
            f"--spec-version={VERSION.to_version()}",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    content: dict[str, Any] = json.loads(done.stdout)
    by_extra = packages_by_extra()
    needed = {*by_extra[""]}.union(*by_extra.values())
    content["components"] = [
        component | {"properties": [{"name": NEEDED_BY, "value": _extras_of(name, by_extra)}]}
        for component in content["components"]
        if (name := canonicalize_name(component["name"])) in needed
    ]
    _keep_dependencies(content)
    _add_chart_library(content)
    return content


def _extras_of(name: str, by_extra: dict[str, set[str]]) -> str:
    """Return the extras that need a package, without those that contain another such extra."""
    if name in by_extra[""]:
        return "all"
    needing = {extra: names for extra, names in by_extra.items() if name in names}
    return ", ".join(
        extra
        for extra, names in needing.items()
        if not any(other < names for other in needing.values())
    )


def _keep_dependencies(content: dict[str, Any]) -> None:
    """Remove what development requirements depend on."""
    root = content["metadata"]["component"]["bom-ref"]
    kept = {root, *(component["bom-ref"] for component in content["components"])}
    content["dependencies"] = [
        entry | {"dependsOn": [other for other in entry.get("dependsOn", ()) if other in kept]}
        for entry in content["dependencies"]
        if entry["ref"] in kept
    ]


def _add_chart_library(content: dict[str, Any]) -> None:
    """Add the packages of npm, which the wheel contains."""
    packages = json.loads(NPM_LOCK.read_text("utf-8"))["packages"]
    for path, package in packages.items():
        if not path:  # the dashboard itself
            continue
        name = path.removeprefix("node_modules/")
        kind, _, digest = package["integrity"].partition("-")
        if kind != "sha512":
            sys.exit(f"{NPM_LOCK}: {name} has a hash of another kind: {kind}")
        purl = f"pkg:npm/{name.replace('@', '%40')}@{package['version']}"
        content["components"].append(
            {
                "type": "library",
                "bom-ref": purl,
                "name": name,
                "version": package["version"],
                "purl": purl,
                "licenses": [{"license": {"id": package["license"]}}],
                "hashes": [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}],
                "properties": [{"name": NEEDED_BY, "value": "dashboard"}],
            }
        )


def main() -> None:
    """Write the SBOM to the file that the command line names, if it is valid."""
    parser = argparse.ArgumentParser(description="Write the SBOM of a release.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--no-validate", action="store_true")
    arguments = parser.parse_args()
    text = json.dumps(sbom(), indent=2, ensure_ascii=False) + "\n"
    if not arguments.no_validate and (error := JsonStrictValidator(VERSION).validate_str(text)):
        sys.exit(f"the SBOM is invalid: {error}")
    arguments.file.parent.mkdir(parents=True, exist_ok=True)
    arguments.file.write_text(text, "utf-8")
    print(f"wrote {arguments.file}")  # noqa: T201


if __name__ == "__main__":
    main()
