"""The console script `hushpost`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hushpost_cli._connection import read_tls
from hushpost_client import TLS

START = "from hushpost_cli.main import app; app()"


async def test_version_prints_name_and_version(hushpost: Any) -> None:
    """`--version` prints the name and the version."""
    done = await hushpost("--version")
    assert (done.code, done.out.split()[0]) == (0, "hushpost")


async def test_help_lists_the_commands(hushpost: Any) -> None:
    """`--help` lists the commands."""
    assert "import" in (await hushpost("--help")).out


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_a_missing_extra_is_explained(module: str) -> None:
    """Without the extra [cli], the script prints what to install, without a traceback."""
    code = f"import sys; sys.modules[{module!r}] = None; {START}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'hushpost[cli]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_command_of_a_missing_extra_is_explained() -> None:
    """Without the libraries of the service, its commands print what to install."""
    code = f"import sys; sys.modules['asyncpg'] = None; sys.argv[1:] = ['serve']; {START}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no command 'serve' is installed. pip install 'hushpost[service]'" in done.stderr


def test_an_import_does_not_load_the_service() -> None:
    """Commands of other packages are loaded only when they are used."""
    code = f"""
import sys
sys.argv[1:] = ["import", "--help"]
try:
    {START.replace(";", chr(10) + "   ")}
finally:
    sys.exit("hushpost_service" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_help_names_missing_extras() -> None:
    """`--help` names each missing extra, with its brackets."""
    code = f"import sys; sys.modules['asyncpg'] = None; sys.argv[1:] = ['--help']; {START}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'hushpost[service]' adds commands." in done.stdout


def test_the_client_needs_no_extra() -> None:
    """The client loads without typer and rich."""
    code = "import sys; sys.modules['typer'] = sys.modules['rich'] = None; import hushpost_client"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("tls", [None, True, False])
def test_the_client_chooses_tls_unless_an_option_does(*, tls: bool | None) -> None:
    """Without `--tls` or `--no-tls`, the client decides: TLS except for loopback addresses."""
    assert read_tls(tls, None) is tls


def test_a_ca_file_enables_tls(tmp_path: Path) -> None:
    """`--ca-file` enables TLS with these root certificates."""
    (tmp_path / "ca.pem").write_bytes(b"PEM")
    assert read_tls(None, tmp_path / "ca.pem") == TLS(root_certificates=b"PEM")
