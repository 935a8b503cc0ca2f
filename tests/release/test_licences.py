"""Run-time requirements have licences that are allowed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, RUN_SECONDS


def check(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run the check of licences."""
    return subprocess.run(
        [sys.executable, ROOT / "tools/check_licences.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )


def test_all_licences_are_allowed(sbom_file: Path) -> None:
    """The check of this environment passes."""
    done = check(sbom_file)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("licences", "shown"),
    [
        ([{"license": {"id": "GPL-3.0-only"}}], "GPL-3.0-only"),
        ([{"expression": "MIT AND GPL-3.0-only"}], "MIT AND GPL-3.0-only"),
        ([{"expression": "(MIT OR Apache-2.0) AND SSPL-1.0"}], "(MIT OR Apache-2.0) AND SSPL-1.0"),
        ([{"license": {"id": "MIT"}}, {"license": {"id": "SSPL-1.0"}}], "MIT AND SSPL-1.0"),
        ([{"license": {"name": "Our own"}}], "Our own"),
        ([{"expression": "MIT AND"}], "MIT AND"),
        ([], "unknown"),
    ],
)
def test_a_foreign_licence_is_refused(
    tmp_path: Path, licences: list[dict[str, Any]], shown: str
) -> None:
    """Exit code 1, and the message names the package and what it says."""
    file = tmp_path / "sbom.json"
    file.write_text(json.dumps({"components": [{"name": "stranger", "licenses": licences}]}))
    done = check(file)
    assert (done.returncode, done.stderr) == (1, f"stranger: the licence is {shown}\n")


def test_one_of_several_licences_suffices(tmp_path: Path) -> None:
    """A package that offers a choice is used under the allowed licence."""
    file = tmp_path / "sbom.json"
    licences = [{"expression": "GPL-2.0-only OR (MIT AND BSD-3-Clause)"}]
    file.write_text(json.dumps({"components": [{"name": "choice", "licenses": licences}]}))
    assert check(file).returncode == 0
