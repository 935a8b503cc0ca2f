"""On-demand TLS: a reverse proxy asks which domains may have certificates."""

import asyncio
import random
import socket
import sqlite3
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from hushpost_client import Domains, ErrorReason, Role, TrackingDomain, UnavailableError
from hushpost_edge import domain_ask, store_file, verified_domains
from hushpost_edge.domain_ask import ask_app
from hushpost_edge.domain_store import DomainStore
from hushpost_edge.link_store import LinkStore
from hushpost_edge.verified_domains import VerifiedDomains
from hushpost_runtime.http_server import embedded_server
from tests.conftest import Clients, RunningAuthority, make_tenant
from tests.free_port import free_port
from tests.inspection import Connection
from tests.waiting import eventually, until

from .edge_process import EdgeProcess
from .raw_http import get

OWN = "links.acme.example"


async def asked(
    app: Any, query: bytes, *, path: str = "/ask", method: str = "GET"
) -> tuple[int, bytes]:
    """Return status and body of the response to a request."""
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": [],
    }
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, None, send)
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (b"domain=links.acme.example", 200),
        (b"domain=LINKS.acme.EXAMPLE", 200),
        (b"domain=other.acme.example", 404),
        (b"domain=acme.example", 404),
        (b"domain=a.links.acme.example", 404),
        (b"domain=localhost", 404),
        (b"domain=192.0.2.1", 404),
        (b"", 400),
        (b"domain=", 400),
        (b"domain=links.acme.example&domain=links.acme.example", 400),
        (b"domain=links.acme.example.", 400),
        (b"domain=links.acme.example%00", 400),
        (b"domain=*.acme.example", 400),
        (b"domain=links%E3%80%82acme.example", 400),
        (b"domain=" + b"a." * 200_000 + b"example", 400),
        (b"domain=" + b"a" * 64 + b".example", 400),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_only_verified_names_get_a_yes(query: bytes, status: int) -> None:
    """A name that is not verified gets 404, and what is no name 400."""
    assert (await asked(ask_app({OWN}), query))[0] == status


async def test_nothing_else_is_served() -> None:
    """Other paths and methods do not exist."""
    app = ask_app({OWN})
    query = b"domain=links.acme.example"
    assert (await asked(app, query, path="/"))[0] == 404
    assert (await asked(app, query, method="POST"))[0] == 405


class FakeDomains:
    """The authority: a list of names, or a failure."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.fails = False
        self.calls = 0

    async def list_tracking_domains(
        self, *, page_size: int
    ) -> AsyncGenerator[TrackingDomain, None]:
        """Yield the domains; fail after the first one, if so."""
        self.calls += 1
        for name in self.names:
            yield TrackingDomain(
                domain=name,
                tenant_id="acme",
                create_time=datetime.now(UTC),
                create_actor="1",
                verify_time=datetime.now(UTC),
                is_default=False,
                dns_records=(),
            )
            if self.fails:
                raise UnavailableError("down", reason=ErrorReason.SHUTTING_DOWN)


@pytest.fixture
def store(tmp_path: Path) -> DomainStore:
    """A store in the file of the links."""
    file = tmp_path / "links.sqlite"
    LinkStore(file).add(1, 1, "https://example.com")
    return DomainStore(file)


@asynccontextmanager
async def kept(store: DomainStore, fake: FakeDomains) -> AsyncIterator[VerifiedDomains]:
    """Keep domains up to date during the block."""
    verified = VerifiedDomains(store, cast("Domains", fake))
    task = asyncio.create_task(verified.keep())
    yield verified
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 10 ms be enough between two reads."""
    monkeypatch.setattr(verified_domains, "_MIN_SECONDS", 0.01)


@pytest.mark.usefixtures("impatient")
async def test_an_unknown_name_causes_a_read(store: DomainStore) -> None:
    """Once a name is verified, the next question but one gets a yes; a removed one is gone."""
    fake = FakeDomains("old.example.com")
    async with kept(store, fake) as verified:
        await until(lambda: "old.example.com" in verified)
        fake.names = [OWN]
        await until(lambda: OWN in verified)
        assert "old.example.com" not in verified
        await until(lambda: store.names() == {OWN})


async def test_many_unknown_names_cause_few_reads(store: DomainStore) -> None:
    """However many random names a stranger tries, the authority is read once a second."""
    fake = FakeDomains(OWN)
    async with kept(store, fake) as verified:
        await until(lambda: OWN in verified)
        app = ask_app(verified)
        for number in range(2_000):
            name = f"{random.randbytes(8).hex()}.example".encode()  # noqa: S311 - no secret
            assert (await asked(app, b"domain=" + name))[0] == 404
            if number % 100 == 0:
                await asyncio.sleep(0)
        assert fake.calls <= 3


@pytest.mark.usefixtures("impatient")
async def test_the_last_known_domains_survive_an_outage_and_a_restart(
    store: DomainStore,
) -> None:
    """A failed or interrupted read changes nothing."""
    fake = FakeDomains(OWN, "second.example.com")
    async with kept(store, fake) as verified:
        await until(lambda: OWN in verified)
    fake.fails = True
    fake.names = ["third.example.com"]
    async with kept(store, fake) as restarted:
        await until(lambda: "unknown.example.com" in restarted or fake.calls > 3)
        assert OWN in restarted
        assert "third.example.com" not in restarted


@pytest.mark.usefixtures("impatient")
async def test_a_full_disk_keeps_no_domain_from_its_certificate(
    store: DomainStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that cannot be stored are known all the same, and stored later."""
    original = store.change
    failures = 2

    def change(**names: Any) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise sqlite3.OperationalError("database or disk is full")
        original(**names)

    monkeypatch.setattr(store, "change", change)
    async with kept(store, FakeDomains(OWN)) as verified:
        await until(lambda: OWN in verified)
        await until(lambda: "other.example.com" in verified or store.names() == {OWN})


@pytest.mark.usefixtures("impatient")
async def test_a_full_disk_at_the_start_takes_no_certificates_away(
    store: DomainStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The domains are read although the file cannot be opened for writing."""
    store.change(add={OWN}, remove=frozenset())

    def full(_file: Path, _schema: str) -> sqlite3.Connection:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(store_file, "open_database", full)
    fake = FakeDomains(OWN)
    fake.fails = True
    async with kept(store, fake) as verified:
        await until(lambda: fake.calls > 1 or "unknown.example.com" in verified)
        assert OWN in verified


async def test_an_address_that_is_taken_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the edge goes on, and asks are served once the address is free."""
    monkeypatch.setattr(domain_ask, "_RETRY_SECONDS", 0.05)
    tries = 0

    def server(app: Any, listen: str) -> Any:
        nonlocal tries
        tries += 1
        return embedded_server(app, listen)

    monkeypatch.setattr(domain_ask, "embedded_server", server)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        fake = cast("Domains", FakeDomains(OWN))
        task = asyncio.create_task(
            domain_ask.serve_asks(f"127.0.0.1:{port}", tmp_path / "links.sqlite", fake)
        )
        await until(lambda: tries > 2)

    async def status() -> int:
        return await _reached(_status(port, OWN))

    await eventually(status, 200)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await eventually(status, 0)


async def test_an_edge_answers_for_the_tenants_of_its_key(
    authority: RunningAuthority, clients: Clients, database: Connection, tmp_path: Path
) -> None:
    """It learns of a verified domain in seconds, and remembers it while the authority is down."""
    name, foreign = (f"links.n-{uuid.uuid4().hex[:12]}.example" for _ in range(2))
    await clients.admin.domains.add_tracking_domain(name)
    other = await make_tenant(authority)
    async with authority.client(other.admin_key) as admin:
        await admin.domains.add_tracking_domain(foreign)
    limited = await clients.installation.admin.create_api_key(
        Role.EDGE, edge_tenant_ids=[clients.tenant_id]
    )
    assert limited.secret
    port = free_port()
    options = (f"--ask-listen=127.0.0.1:{port}",)

    with EdgeProcess(tmp_path / "edge", authority.target, limited.secret, *options) as edge:
        await eventually(lambda: _reached(_status(port, name)), 404)
        await database.execute(
            "update tracking_domains set verify_time = now() where domain = any($1)",
            [name, foreign],
        )
        await eventually(lambda: _status(port, name), 200)
        assert await _status(port, foreign) == 404
        public = await get(edge.port, f"/ask?domain={name}")
        assert public.status == 404, "strangers cannot ask"
    down = EdgeProcess(tmp_path / "edge", "127.0.0.1:1", limited.secret, *options, path="/healthz")
    with down:
        await eventually(lambda: _reached(_status(port, name)), 200)
        assert await _status(port, foreign) == 404


async def _status(port: int, domain: str) -> int:
    return (await get(port, f"/ask?domain={domain}")).status


async def _reached(status: Any) -> int:
    """Return a status; 0 while nothing listens yet."""
    try:
        return int(await status)
    except ConnectionError:
        return 0
