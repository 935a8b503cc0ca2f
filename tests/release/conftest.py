"""The SBOM of this environment."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RUN_SECONDS = 100


@pytest.fixture(scope="session")
def sbom_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that `make sbom` writes, not validated."""
    file = tmp_path_factory.mktemp("sbom") / "hushpost.cdx.json"
    subprocess.run(
        [sys.executable, ROOT / "tools/write_sbom.py", file, "--no-validate"],
        check=True,
        timeout=RUN_SECONDS,
    )
    return file


@pytest.fixture(scope="session")
def sbom(sbom_file: Path) -> dict[str, Any]:
    """Its content."""
    content: dict[str, Any] = json.loads(sbom_file.read_text("utf-8"))
    return content
