"""`hushpost domains`: against a real authority, and its checks of DNS and HTTPS."""

import asyncio
import json
import socket
import ssl
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hushpost_cli._app import build
from hushpost_cli.domains import checks
from hushpost_client import DnsRecord, TrackingDomain
from hushpost_runtime.findings import Level
from tests.certificate import Issuer
from tests.cli.doctor_faults import serving
from tests.conftest import Clients, RunningAuthority
from tests.inspection import Connection

EDGE_HOST = "edge.hushpost.example"
PIXEL = (
    b"HTTP/1.1 200 OK\r\ncontent-type: image/gif\r\ncontent-length: 43\r\n"
    b"connection: close\r\n\r\n" + b"x" * 43
)


@pytest.fixture
def command(authority: RunningAuthority, clients: Clients) -> Callable[..., Any]:
    """Run `hushpost domains`, or another group, with a key of the installation, for a new tenant."""

    async def run(*arguments: str, group: str = "domains", stdin: str = "") -> Result:
        fixed = ["--tenant", clients.tenant_id, "--authority", authority.target]
        environment = {"HUSHPOST_API_KEY": authority.admin_key, "COLUMNS": "200"}
        words = [group, *arguments, *fixed]
        return await asyncio.to_thread(
            lambda: CliRunner().invoke(build(), words, input=stdin, env=environment)
        )

    return run


@pytest.fixture
def name() -> str:
    """A new name."""
    return f"links.n-{uuid.uuid4().hex[:12]}.example"


async def test_a_domain_is_added_listed_and_removed(command: Any, name: str) -> None:
    """The records to create are printed; a removal asks."""
    added = await command("add", f"{name.upper()}.")
    assert added.exit_code == 0
    assert f"_hushpost.{name}" in added.output
    assert "hushpost-domain=" in added.output
    assert f"hushpost domains check {name}" in added.output
    as_json = json.loads((await command("add", name, "--json")).output)
    assert (as_json[0]["domain"], as_json[0]["verify_time"]) == (name, None)
    listed = (await command("list")).output
    assert name in listed
    assert "pending" in listed
    declined = await command("remove", name, stdin="n\n")
    assert (declined.exit_code, len(json.loads((await command("list", "--json")).output))) == (2, 1)
    removed = await command("remove", name, "--yes")
    assert (removed.exit_code, removed.output) == (0, f"removed {name}\n")
    assert (await command("remove", name, "--yes")).exit_code == 6
    assert (await command("check", name)).exit_code == 6


async def test_an_invalid_name_is_an_error_on_one_line(command: Any) -> None:
    """The reason says what a name looks like."""
    failed = await command("add", "*.example.com")
    assert (failed.exit_code, failed.output.count("\n")) == (1, 1)
    assert "DOMAIN_INVALID" in failed.output


async def test_a_check_prints_a_line_per_finding(
    command: Any, name: str, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pending domain says which record is missing; a verified one is tried by HTTPS."""
    resolve(monkeypatch, {name: "127.0.0.1"}, port=1)
    await command("add", name)
    # The DNS server of the shared authority does not respond.
    pending = await command("check", name)
    assert pending.exit_code == 1
    assert pending.output.startswith("problem ownership: ")
    assert f"_hushpost.{name}" in pending.output
    assert f"ok      DNS: {name} resolves to 127.0.0.1." in pending.output
    assert "HTTPS" not in pending.output
    await database.execute(
        "update tracking_domains set verify_time = now() where domain = $1", name
    )
    verified = await command("check", name, "--json")
    assert verified.exit_code == 1
    findings = [(found["part"], found["level"]) for found in json.loads(verified.output)]
    assert findings == [("ownership", "ok"), ("DNS", "ok"), ("HTTPS", "problem")]


async def test_a_verified_domain_can_be_the_default(
    command: Any, name: str, database: Connection
) -> None:
    """`hushpost policy` sets and removes it; the list of domains shows it."""
    await command("add", name)
    setting = f"default_tracking_domain={name.upper()}"
    refused = await command("set", setting, "--yes", group="policy")
    assert refused.exit_code == 1
    assert "DOMAIN_NOT_VERIFIED" in refused.output
    await database.execute(
        "update tracking_domains set verify_time = now() where domain = $1", name
    )
    assert (await command("set", setting, "--yes", group="policy")).exit_code == 0
    assert f"default_tracking_domain={name}\n" in (await command("get", group="policy")).output
    assert json.loads((await command("list", "--json")).output)[0]["is_default"]
    await command("set", "default_tracking_domain=none", "--yes", group="policy")
    assert not json.loads((await command("list", "--json")).output)[0]["is_default"]


def resolve(monkeypatch: pytest.MonkeyPatch, names: dict[str, str], port: int) -> None:
    """Let names resolve to addresses, and port 443 be another one."""
    original = socket.getaddrinfo

    def getaddrinfo(host: str, given: int, *arguments: Any, **options: Any) -> Any:
        if not host.endswith(".example"):
            return original(host, given, *arguments, **options)
        if host not in names:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (names[host], port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    ("names", "level", "text", "advice"),
    [
        ({}, Level.PROBLEM, "does not resolve", "Create the record"),
        ({"links": "192.0.2.1", "edge": "192.0.2.1"}, Level.OK, "as the edges do", ""),
        ({"links": "192.0.2.1", "edge": "192.0.2.2"}, Level.WARNING, "192.0.2.2", "Create the"),
        ({"links": "192.0.2.1"}, Level.WARNING, "to nothing", "Correct --edge-host"),
    ],
)
def test_the_addresses_are_those_of_the_edges(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, str], level: Level, text: str, advice: str
) -> None:
    """The domain has the addresses of the edge host, as with a CNAME record."""
    hosts = {"links": "links.acme.example", "edge": EDGE_HOST}
    resolve(monkeypatch, {hosts[key]: address for key, address in names.items()}, port=1)
    finding = checks.check_addresses(_domain("links.acme.example"))
    assert finding.level is level
    assert text in finding.text
    assert finding.advice.startswith(advice)


def _domain(name: str) -> TrackingDomain:
    return TrackingDomain(
        domain=name,
        tenant_id="acme",
        create_time=datetime.now(UTC),
        create_actor="1",
        verify_time=datetime.now(UTC),
        is_default=False,
        dns_records=(DnsRecord(name=name, type="CNAME", value=EDGE_HOST),),
    )


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The TLS of a server for links.acme.example, whose issuer this machine trusts."""
    issuer = Issuer.create("Test CA")
    chain, key = issuer.issue("links", "links.acme.example")
    (tmp_path / "ca.pem").write_bytes(issuer.certificate)
    (tmp_path / "server.pem").write_bytes(chain + key)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return context


async def _checked(
    monkeypatch: pytest.MonkeyPatch, context: ssl.SSLContext, response: bytes, name: str = "links"
) -> tuple[Level, str]:
    """Check a domain that a server with this response serves."""
    monkeypatch.setattr(checks, "_PAUSE_SECONDS", 0)
    async with serving(response, context) as address:
        host = f"{name}.acme.example"
        resolve(monkeypatch, {host: "127.0.0.1"}, int(address.rpartition(":")[2]))
        finding = await asyncio.to_thread(checks.check_edge, host)
    return finding.level, finding.text


async def test_an_edge_is_recognized_by_its_pixel(
    monkeypatch: pytest.MonkeyPatch, certificate: ssl.SSLContext
) -> None:
    """Another response, or a certificate of another name, is a problem."""
    assert (await _checked(monkeypatch, certificate, PIXEL))[0] is Level.OK
    level, text = await _checked(monkeypatch, certificate, b"HTTP/1.1 404 Not Found\r\n\r\n")
    assert level is Level.PROBLEM
    assert "responds, but not as an edge: 404 Not Found" in text
    level, text = await _checked(monkeypatch, certificate, PIXEL, "other")
    assert level is Level.PROBLEM
    assert "The certificate of other.acme.example is not valid" in text
    assert (await _checked(monkeypatch, certificate, b"SMTP\r\n"))[0] is Level.PROBLEM


@pytest.mark.parametrize(("refusals", "level"), [(2, Level.OK), (3, Level.PROBLEM)])
async def test_a_certificate_may_come_a_moment_later(
    monkeypatch: pytest.MonkeyPatch, certificate: ssl.SSLContext, refusals: int, level: Level
) -> None:
    """A proxy that has no certificate yet is tried three times."""
    left = refusals

    def refuse(*_: object) -> int | None:
        nonlocal left
        left -= 1
        return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR if left >= 0 else None

    certificate.sni_callback = refuse
    found, text = await _checked(monkeypatch, certificate, PIXEL)
    assert found is level
    assert (level is Level.OK) or "There is no certificate" in text
