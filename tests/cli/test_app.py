"""The console script as a whole."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hushpost_cli._connection import choose_tls
from hushpost_client import TLS

START = "from hushpost_cli.main import app; app()"


async def test_the_version_is_told(hushpost: Any) -> None:
    """`--version` prints name and version."""
    done = await hushpost("--version")
    assert (done.code, done.out.split()[0]) == (0, "hushpost")


async def test_import_is_listed(hushpost: Any) -> None:
    """`--help` lists the commands."""
    assert "import" in (await hushpost("--help")).out


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_a_missing_extra_is_explained(module: str) -> None:
    """Without the extra [cli] the script says what to install, and shows no traceback."""
    code = f"import sys; sys.modules[{module!r}] = None; {START}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'hushpost[cli]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_command_of_a_missing_extra_is_explained() -> None:
    """Where the service's libraries are missing, its commands say what to install."""
    code = f"import sys; sys.modules['asyncpg'] = None; sys.argv[1:] = ['serve']; {START}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no command 'serve' is installed. pip install 'hushpost[service]'" in done.stderr


def test_an_import_does_not_load_the_service() -> None:
    """Commands of other packages are loaded only where they are asked for."""
    code = f"""
import sys
sys.argv[1:] = ["import", "--help"]
try:
    {START.replace(";", chr(10) + "   ")}
finally:
    sys.exit("hushpost_service" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_help_says_what_could_be_installed() -> None:
    """`--help` names the extra that is missing, brackets and all."""
    code = f"import sys; sys.modules['asyncpg'] = None; sys.argv[1:] = ['--help']; {START}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'hushpost[service]' adds commands." in done.stdout


def test_the_client_needs_no_extra() -> None:
    """The client loads without typer and rich."""
    code = "import sys; sys.modules['typer'] = sys.modules['rich'] = None; import hushpost_client"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("authority", "wanted", "tls"),
    [
        ("localhost:50051", None, False),
        ("127.0.0.1:50051", None, False),
        ("[::1]:50051", None, False),
        ("unix:/run/hushpost.sock", None, False),
        ("authority.example.com:50051", None, True),
        ("10.0.0.7:50051", None, True),
        ("10.0.0.7:50051", False, False),
        ("localhost:50051", True, True),
    ],
)
def test_keys_leave_this_machine_encrypted(
    *, authority: str, wanted: bool | None, tls: bool
) -> None:
    """TLS is on unless the authority is on this machine or the user says otherwise."""
    assert choose_tls(authority, wanted, None) is tls


def test_an_authority_of_ones_own_can_be_trusted(tmp_path: Path) -> None:
    """`--ca-file` turns TLS on with that root."""
    (tmp_path / "ca.pem").write_bytes(b"PEM")
    assert choose_tls("localhost:1", None, tmp_path / "ca.pem") == TLS(root_certificates=b"PEM")
