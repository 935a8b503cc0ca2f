"""Two authorities that share a database; the second one uses TLS and serves metrics."""

import asyncio
import re
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass

import pytest

from hushpost_client import (
    TLS,
    AlreadyExistsError,
    Count,
    DoNotTrack,
    ErrorReason,
    Event,
    Hushpost,
    Mode,
    PolicyUpdate,
    Release,
    Role,
    UnauthenticatedError,
    UnavailableError,
    Verdict,
)
from tests.authority import AuthorityProcess
from tests.certificate import self_signed
from tests.conftest import Clients, RunningAuthority, TenantKeys, make_tenant
from tests.free_port import free_port
from tests.inspection import Connection, contact_number, database_uri, tenant_number
from tests.mailing import GROUP, URLS, clients_of, eventually, exact_count, send

REVOCATION_SECONDS = 1.0
STREAM_SECONDS = 10
"""Far less than without a check: then the stream would not end. It takes a second."""


@dataclass(frozen=True)
class SecondAuthority:
    """The second authority, its TLS certificate and the URL of its metrics."""

    process: AuthorityProcess
    certificate: bytes
    metrics: str

    def client(self, api_key: str) -> Hushpost:
        """Create a client with an API key."""
        tls = TLS(root_certificates=self.certificate)
        return Hushpost.connect(self.process.target, api_key=api_key, tls=tls)


@pytest.fixture(scope="module")
def second(
    authority: RunningAuthority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecondAuthority]:
    """An authority with the database and the keyring of the shared one."""
    folder = tmp_path_factory.mktemp("second")
    certificate, key = self_signed()
    (folder / "certificate.pem").write_bytes(certificate)
    (folder / "key.pem").touch(0o600)
    (folder / "key.pem").write_bytes(key)
    data_dir = authority.process.data_dir
    metrics = f"127.0.0.1:{free_port()}"
    options = {
        "--keyring": data_dir / "keyring.json",
        "--tls-certificate": folder / "certificate.pem",
        "--tls-key": folder / "key.pem",
        "--metrics-listen": metrics,
        "--transport": "grpcio",  # the native one has no TLS
    }
    with AuthorityProcess(
        folder,
        *(str(part) for option in options.items() for part in option),
        environment={"HUSHPOST_DATABASE_URL": database_uri(data_dir)},
    ) as process:
        yield SecondAuthority(process, certificate, f"http://{metrics}/metrics")


@pytest.fixture
async def keys(authority: RunningAuthority) -> TenantKeys:
    """Keys of a tenant with exact counts."""
    return await make_tenant(authority, PolicyUpdate(release=Release.EXACT))


@pytest.fixture
async def first_clients(authority: RunningAuthority, keys: TenantKeys) -> AsyncIterator[Clients]:
    """Clients of the shared authority, for the tenant."""
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority, keys=keys)


@pytest.fixture
async def second_clients(second: SecondAuthority, keys: TenantKeys) -> AsyncIterator[Clients]:
    """Clients of the second authority, for the same tenant."""
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(second.client(key))
            for key in (keys.admin_key, keys.sender_key, keys.reporter_key, keys.edge_key)
        ]
        yield Clients(keys.tenant_id, clients[0], clients[1], clients[2], clients[3], clients[0])


async def test_only_tls_clients_that_trust_the_certificate_connect(
    second: SecondAuthority, keys: TenantKeys
) -> None:
    """Clients without TLS, or that do not trust the certificate, get an UnavailableError."""
    async with second.client(keys.sender_key) as client:
        await client.preferences.get_preference("ann")
    target = second.process.target
    for tls in (True, False):
        async with Hushpost.connect(target, api_key=keys.sender_key, tls=tls) as client:
            with pytest.raises(UnavailableError):
                await client.preferences.get_preference("ann", timeout=1)


async def test_both_record_events_of_the_same_tenant(
    first_clients: Clients, second_clients: Clients
) -> None:
    """Events sent to both count once per request_id, and none is lost."""
    mailing = await send(first_clients, [f"reader-{number}" for number in range(40)])
    tokens = list(mailing.tokens.values())
    batches = [tokens[start : start + 10] for start in range(0, 40, 10)]

    async def record(clients: Clients) -> None:
        tracking = clients.edge.tracking
        singles = [tracking.record_open(token, verdict=Verdict.HUMAN) for token in tokens]
        batches_once = [
            tracking.record_events(
                [Event(token, link_number=1, verdict=Verdict.HUMAN) for token in batch],
                request_id=uuid.uuid5(uuid.NAMESPACE_OID, f"{first_clients.tenant_id}/{number}"),
            )
            for number, batch in enumerate(batches)
        ]
        await asyncio.gather(*singles, *batches_once)

    await asyncio.gather(record(first_clients), record(second_clients))
    for clients in (first_clients, second_clients):
        stats = await clients.reporter.stats.get_campaign_stats(mailing.campaign_id)
        assert stats.opens.human.identified == Count(80, 40)
        assert stats.clicks.human.identified == Count(40, 40)
        assert sum(hour.opens.human.identified.unique for hour in stats.hours) == 40


async def test_tokens_of_both_have_distinct_slots(
    first_clients: Clients, second_clients: Clients
) -> None:
    """No two messages share a slot, whichever authority issued them."""
    await first_clients.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.ANONYMOUS))
    await first_clients.sender.campaigns.create_campaign("spring", links=URLS, groups=[GROUP])

    async def issue(clients: Clients, part: int) -> list[str]:
        names = [f"{part}-{number}" for number in range(500)]
        issued = await clients.sender.campaigns.issue_tokens("spring", GROUP, names)
        return [token.token for token in issued.tokens if token.token]

    parts = await asyncio.gather(
        *(issue(clients, part) for part, clients in enumerate((first_clients, second_clients) * 3))
    )
    tokens = [token for part in parts for token in part]
    for clients in (first_clients, second_clients):
        await clients.edge.tracking.record_events(
            [Event(token, verdict=Verdict.HUMAN) for token in tokens]
        )
    reported = await asyncio.gather(
        *(
            clients.reporter.stats.get_campaign_stats("spring")
            for clients in (first_clients, second_clients) * 4
        )
    )
    assert {exact_count(stats.opens.human.anonymous) for stats in reported} == {Count(6000, 3000)}


async def test_an_opt_out_at_one_takes_effect_at_the_other(
    first_clients: Clients, second_clients: Clients, database: Connection
) -> None:
    """After an opt-out at one, the other stores no row that names the contact."""
    names = [f"reader-{number}" for number in range(20)]
    mailing = await send(first_clients, names)
    tenant = await tenant_number(database, first_clients.tenant_id)
    events = [Event(token, verdict=Verdict.HUMAN) for token in mailing.tokens.values()]
    is_over = asyncio.Event()
    recorded: list[int] = []

    async def record() -> None:
        while not is_over.is_set():
            response = await second_clients.edge.tracking.record_events(events)
            recorded.append(response.accepted_count)

    recorders = [asyncio.create_task(record()) for _ in range(3)]
    opted_out: list[int] = []
    for name in names:
        await first_clients.sender.preferences.set_preference(name, DoNotTrack.TRUE)
        opted_out.append(await contact_number(database, tenant, name))
        assert (
            await database.fetchval(
                "select count(*) from events where tenant = $1 and contact = any($2)",
                tenant,
                opted_out,
            )
            == 0
        )
    is_over.set()
    await asyncio.gather(*recorders)
    assert recorded
    assert await database.fetchval("select count(*) from events where tenant = $1", tenant) == 0
    opens = (await mailing.stats()).opens.human
    assert (opens.identified, exact_count(opens.anonymous)) == (
        Count(0, 0),
        Count(sum(recorded), len(names)),
    )


async def test_a_policy_change_at_one_takes_effect_at_the_other(
    first_clients: Clients, second_clients: Clients
) -> None:
    """Once UpdatePolicy returns, events and messages at the other follow the new policy."""
    mailing = await send(first_clients, ["ann"])
    await second_clients.edge.tracking.record_open(mailing.tokens["ann"], verdict=Verdict.HUMAN)
    await first_clients.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.OFF))
    await second_clients.edge.tracking.record_open(mailing.tokens["ann"], verdict=Verdict.HUMAN)
    issued = await second_clients.sender.campaigns.issue_tokens(mailing.campaign_id, GROUP, ["bob"])
    assert [token.mode for token in issued.tokens] == [Mode.OFF]

    async def is_done() -> bool:
        return (await first_clients.admin.admin.get_tenant()).anonymization is None

    await eventually(is_done, "the policy's job ends")
    opens = (await mailing.stats()).opens.human
    assert (opens.identified.total, exact_count(opens.aggregate).total) == (0, 1)


async def test_a_key_revoked_at_one_is_rejected_by_the_other(
    second: SecondAuthority, first_clients: Clients, second_clients: Clients
) -> None:
    """The other authority rejects a revoked key within a second, although it is in use."""
    created = await first_clients.admin.admin.create_api_key(Role.SENDER)
    assert created.secret is not None
    async with second.client(created.secret) as client:
        await client.preferences.get_preference("ann")
        await first_clients.admin.admin.revoke_api_key(created.api_key.key_id)
        revoked_at = time.monotonic()
        with pytest.raises(UnauthenticatedError) as caught:
            await _call_until_rejected(client, revoked_at)
    assert caught.value.reason is ErrorReason.API_KEY_REVOKED


async def _call_until_rejected(client: Hushpost, revoked_at: float) -> None:
    """Make calls; return if one that begins a second later is accepted, however slow it is."""
    start = revoked_at
    while start - revoked_at < REVOCATION_SECONDS:
        start = time.monotonic()
        await client.preferences.get_preference("ann")


async def test_a_revocation_at_one_ends_streams_at_the_other(
    authority: RunningAuthority, second: SecondAuthority
) -> None:
    """WatchLinks ends within a second, although no link is added."""
    async with authority.client(authority.admin_key) as admin:
        created = await admin.admin.create_api_key(Role.EDGE)
        assert created.secret is not None
        async with (
            second.client(created.secret) as edge,
            aclosing(edge.tracking.watch_links()) as updates,
        ):
            async for update in updates:
                if update.snapshot_complete:
                    break
            await admin.admin.revoke_api_key(created.api_key.key_id)
            with pytest.raises(UnauthenticatedError) as caught:
                await asyncio.wait_for(anext(updates), STREAM_SECONDS)
    assert caught.value.reason is ErrorReason.API_KEY_REVOKED


async def test_a_key_that_was_deleted_in_the_database_is_rejected(
    first_clients: Clients, second: SecondAuthority, database: Connection
) -> None:
    """A cached key is rejected however it was removed, for example by a restored backup."""
    created = await first_clients.admin.admin.create_api_key(Role.SENDER)
    assert created.secret is not None
    async with second.client(created.secret) as client:
        await client.preferences.get_preference("ann")
        await database.execute(
            "delete from api_keys where api_key = $1", int(created.api_key.key_id)
        )
        await asyncio.sleep(REVOCATION_SECONDS)
        with pytest.raises(UnauthenticatedError):
            await client.preferences.get_preference("ann")


async def test_links_added_at_one_are_streamed_by_the_other(
    first_clients: Clients, second_clients: Clients
) -> None:
    """WatchLinks streams every new link, whichever authority added it."""
    async with aclosing(second_clients.edge.tracking.watch_links()) as updates:
        async for update in updates:
            if update.snapshot_complete:
                break
        created = await first_clients.sender.campaigns.create_campaign("new", links=URLS)
        seen = []
        async for update in updates:
            seen += [
                link.url for link in update.links if link.campaign_number == created.campaign_number
            ]
            if seen:
                break
    assert tuple(seen) == URLS


async def test_events_at_one_are_streamed_in_reports_of_the_other(
    first_clients: Clients, second_clients: Clients
) -> None:
    """WatchCampaignStats streams every change, whichever authority recorded the event."""
    mailing = await send(first_clients, ["ann"])
    watching = second_clients.reporter.stats.watch_campaign_stats(mailing.campaign_id)
    async with aclosing(watching) as reports:
        assert (await anext(reports)).opens.human.identified.unique == 0
        await mailing.open("ann")
        changed = await asyncio.wait_for(anext(reports), STREAM_SECONDS)
    assert changed == await mailing.stats()
    assert changed.opens.human.identified.unique == 1


async def test_metrics_contain_no_contact_tenant_or_campaign(
    second: SecondAuthority, second_clients: Clients
) -> None:
    """Metrics have only technical labels, none of a contact, tenant or campaign."""
    await send(second_clients, ["ann@example.com"])
    with pytest.raises(UnauthenticatedError):
        async with second.client("hp_nonsense") as client:
            await client.preferences.get_preference("ann@example.com")
    text = await asyncio.to_thread(_read, second.metrics)
    assert 'hushpost_rpc_seconds_count{code="OK",method="IssueTokens"}' in text
    assert 'code="UNAUTHENTICATED"' in text
    assert "hushpost_commit_events_bucket" in text
    lines = [line for line in text.splitlines() if line.startswith("hushpost_")]
    labels = {label for line in lines for label in re.findall(r'(\w+)="', line)}
    assert labels <= {
        *("method", "code", "reason", "le", "name", "cause", "state", "mode"),
        *("key_id", "active", "version", "python", "postgres"),
    }
    for word in ("ann@example.com", second_clients.tenant_id, "spring", GROUP):
        assert word not in text


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - our own address
        content: bytes = response.read()
    return content.decode()


async def test_an_id_used_at_one_is_known_at_the_other(
    first_clients: Clients, second_clients: Clients
) -> None:
    """At both authorities at once, one of two requests with the same id succeeds, always the same."""
    for number in range(10):
        request_id = uuid.uuid4()
        names = (f"{number}-a", f"{number}-b")
        calls = [
            clients.sender.preferences.set_preference(name, DoNotTrack.TRUE, request_id=request_id)
            for name in names
            for clients in (first_clients, second_clients)
        ]
        results = await asyncio.gather(*calls, return_exceptions=True)
        errors = [result for result in results if isinstance(result, AlreadyExistsError)]
        assert len(errors) == 2
        assert {error.reason for error in errors} == {ErrorReason.REQUEST_ID_REUSED}
        assert (results[0] in errors) is (results[1] in errors)
        rejected = names[0 if results[0] in errors else 1]
        preferences = second_clients.sender.preferences
        assert (await preferences.get_preference(rejected)).do_not_track is DoNotTrack.UNSET


async def test_a_recorded_id_with_other_content_is_a_repetition_at_the_other(
    first_clients: Clients, second_clients: Clients
) -> None:
    """Documented limit: what a recorded event was is kept in the memory of one authority only."""
    mailing = await send(first_clients, ["ann"])
    token, request_id = mailing.tokens["ann"], uuid.uuid4()
    first, second = (clients.edge.tracking for clients in (first_clients, second_clients))
    await first.record_click(token, 1, request_id=request_id)
    with pytest.raises(AlreadyExistsError):
        await first.record_click(token, 2, request_id=request_id)
    await second.record_click(token, 2, request_id=request_id)
    assert (await mailing.stats()).clicks.human.identified.total == 1
