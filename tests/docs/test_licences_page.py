"""The page of licences, docs/reference/licences.md."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN_SECONDS = 100


@pytest.mark.skipif(sys.platform != "linux", reason="other systems need other packages")
def test_the_page_is_current(tmp_path: Path) -> None:
    """It is what `make licences` writes; run that after a change of the requirements."""
    sbom, page = tmp_path / "sbom.json", tmp_path / "page.md"
    _run("write_sbom.py", sbom, "--no-validate")
    _run("check_licences.py", sbom, "--page", page)
    current = (ROOT / "docs/reference/licences.md").read_text("utf-8")
    assert current == page.read_text("utf-8")


def _run(script: str, *arguments: str | Path) -> None:
    subprocess.run(
        [sys.executable, ROOT / "tools" / script, *arguments], check=True, timeout=RUN_SECONDS
    )
