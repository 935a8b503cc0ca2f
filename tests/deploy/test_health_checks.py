"""The health checks of the images, against real processes."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.authority import AuthorityProcess
from tests.certificate import Issuer
from tests.cli.doctor_faults import serving
from tests.conftest import RunningAuthority
from tests.deploy.dockerfile import ROOT, read_stages
from tests.free_port import free_port
from tests.inspection import database_uri

STAGES = read_stages()
SECONDS = 30
EVERYWHERE = "0.0.0.0"  # noqa: S104 - compared with, not listened on


def health(target: str, **environment: str) -> int:
    """Run the health check of a target on this machine, and return its exit code."""
    python, script, *arguments = json.loads(
        STAGES[target].last("HEALTHCHECK").value.removeprefix("CMD ")
    )
    assert python == "python"
    [copied] = [each for each in STAGES[target].all("COPY") if each.words[-1] == "/health/"]
    [source] = [each for each in copied.words[:-1] if Path(each).name == Path(script).name]
    command = [sys.executable, ROOT / source, *arguments]
    variables = {**os.environ, **environment}
    return subprocess.run(
        command, env=variables, capture_output=True, check=False, timeout=SECONDS
    ).returncode


def test_an_authority_is_healthy_while_it_serves(authority: RunningAuthority) -> None:
    """The check succeeds at a running authority, and fails where none listens."""
    port = authority.target.rpartition(":")[2]
    assert health("authority", HUSHPOST_LISTEN=authority.target) == 0
    assert health("authority", HUSHPOST_LISTEN=f"{EVERYWHERE}:{port}") == 0
    assert health("authority", HUSHPOST_LISTEN=f"{EVERYWHERE}:{free_port()}") == 1


def test_an_authority_with_tls_is_healthy(authority: RunningAuthority, tmp_path: Path) -> None:
    """The check trusts the certificate that the authority presents, also for a wildcard."""
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    key.touch(0o600)
    certificate, private_key = Issuer.create("servers").issue("authority", "*.example.com")
    chain.write_bytes(certificate)
    key.write_bytes(private_key)
    environment = {
        "HUSHPOST_DATABASE_URL": database_uri(authority.process.data_dir),
        "HUSHPOST_KEYRING": str(authority.process.data_dir / "keyring.json"),
        "HUSHPOST_TLS_CERTIFICATE": str(chain),
        "HUSHPOST_TLS_KEY": str(key),
    }
    with AuthorityProcess(tmp_path / "authority", environment=environment) as process:
        environment["HUSHPOST_LISTEN"] = process.target
        assert health("authority", **environment) == 0
        del environment["HUSHPOST_TLS_CERTIFICATE"]
        assert health("authority", **environment) == 1


over_http = pytest.mark.parametrize(
    ("target", "variable"),
    [("edge", "HUSHPOST_EDGE_LISTEN"), ("dashboard", "HUSHPOST_DASHBOARD_LISTEN")],
)


@over_http
def test_what_does_not_run_is_not_healthy(target: str, variable: str) -> None:
    """The check fails where nothing listens. The first start of compose.yaml tests the success."""
    assert health(target, **{variable: f"{EVERYWHERE}:{free_port()}"}) == 1


@over_http
@pytest.mark.parametrize(("status", "code"), [("200 OK", 0), ("503 Service Unavailable", 1)])
async def test_the_status_decides(target: str, variable: str, status: str, code: int) -> None:
    """A server that says it is not healthy is not; it is asked on loopback for a wildcard."""
    response = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"
    async with serving(response.encode()) as address:
        for host in ("127.0.0.1", EVERYWHERE):
            listen = f"{host}:{address.rpartition(':')[2]}"
            assert await asyncio.to_thread(health, target, **{variable: listen}) == code
