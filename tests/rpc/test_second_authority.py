"""Two authorities on one database: the second by its address, over TLS, with metrics."""

import asyncio
import re
import socket
import urllib.request
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest

from hushpost_client import (
    TLS,
    Count,
    DoNotTrack,
    ErrorReason,
    Event,
    Hushpost,
    Mode,
    PolicyUpdate,
    Role,
    UnauthenticatedError,
    UnavailableError,
    Verdict,
)
from tests.authority import AuthorityProcess
from tests.certificate import self_signed
from tests.conftest import Clients, RunningAuthority, TenantKeys, make_tenant
from tests.inspection import Connection, contact_number, database_uri, tenant_number
from tests.mailing import GROUP, URLS, clients_of, eventually, send


@dataclass(frozen=True)
class Second:
    """The second authority, and whom to trust to speak to it."""

    process: AuthorityProcess
    certificate: bytes
    metrics: str

    def client(self, api_key: str) -> Hushpost:
        """Prepare a client with a key."""
        tls = TLS(root_certificates=self.certificate)
        return Hushpost.connect(self.process.target, api_key=api_key, tls=tls)


@pytest.fixture(scope="module")
def second(
    authority: RunningAuthority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Second]:
    """An authority on the database of the shared one, with its keyring."""
    folder = tmp_path_factory.mktemp("second")
    certificate, key = self_signed()
    (folder / "certificate.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(key)
    data_dir = authority.process.data_dir
    metrics = f"127.0.0.1:{_free_port()}"
    options = {
        "--keyring": data_dir / "keyring.json",
        "--tls-certificate": folder / "certificate.pem",
        "--tls-key": folder / "key.pem",
        "--metrics-listen": metrics,
    }
    with AuthorityProcess(
        folder,
        *(str(part) for option in options.items() for part in option),
        environment={"HUSHPOST_DATABASE_URL": database_uri(data_dir)},
    ) as process:
        yield Second(process, certificate, f"http://{metrics}/metrics")


@pytest.fixture
async def keys(authority: RunningAuthority) -> TenantKeys:
    """Keys of a tenant whose numbers are exact."""
    return await make_tenant(authority, PolicyUpdate(quorum=1))


@pytest.fixture
async def ours(authority: RunningAuthority, keys: TenantKeys) -> AsyncIterator[Clients]:
    """Clients of the shared authority."""
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority, keys=keys)


@pytest.fixture
async def theirs(second: Second, keys: TenantKeys) -> AsyncIterator[Clients]:
    """Clients of the second authority, for the same tenant."""
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(second.client(key))
            for key in (keys.admin_key, keys.sender_key, keys.reporter_key, keys.edge_key)
        ]
        yield Clients(keys.tenant_id, made[0], made[1], made[2], made[3], made[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def test_who_does_not_speak_tls_is_not_served(second: Second, keys: TenantKeys) -> None:
    """With a certificate the authority answers who trusts it, and nobody in clear."""
    async with second.client(keys.sender_key) as client:
        await client.preferences.get_preference("ann")
    target = second.process.target
    for tls in (True, False):
        async with Hushpost.connect(target, api_key=keys.sender_key, tls=tls) as client:
            with pytest.raises(UnavailableError):
                await client.preferences.get_preference("ann", timeout=1)


async def test_both_record_for_the_same_tenant(ours: Clients, theirs: Clients) -> None:
    """Events that reach both, some under one request_id, count once each and lose nothing."""
    mailing = await send(ours, [f"reader-{number}" for number in range(40)])
    tokens = list(mailing.tokens.values())
    batches = [tokens[start : start + 10] for start in range(0, 40, 10)]

    async def record(clients: Clients) -> None:
        tracking = clients.edge.tracking
        own = [tracking.record_open(token, verdict=Verdict.HUMAN) for token in tokens]
        shared = [
            tracking.record_events(
                [Event(token, 1, verdict=Verdict.HUMAN) for token in batch],
                request_id=uuid.uuid5(uuid.NAMESPACE_OID, f"{ours.tenant_id}/{number}"),
            )
            for number, batch in enumerate(batches)
        ]
        await asyncio.gather(*own, *shared)

    await asyncio.gather(record(ours), record(theirs))
    for clients in (ours, theirs):
        stats = await clients.reporter.stats.get_campaign_stats(mailing.campaign_id)
        assert stats.opens.human.identified == Count(80, 40)
        assert stats.clicks.human.identified == Count(40, 40)
        assert sum(hour.opens.human.identified.unique for hour in stats.hours) == 40


async def test_both_issue_messages_of_their_own(ours: Clients, theirs: Clients) -> None:
    """No two messages share a slot, whoever issued them: each is a person of its own."""
    await ours.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.ANONYMOUS))
    await ours.sender.campaigns.create_campaign("spring", links=URLS, groups=[GROUP])

    async def issue(clients: Clients, part: int) -> list[str]:
        names = [f"{part}-{number}" for number in range(500)]
        issued = await clients.sender.campaigns.issue_tokens("spring", GROUP, names)
        return [token.token for token in issued.tokens]

    parts = await asyncio.gather(
        *(issue(clients, part) for part, clients in enumerate((ours, theirs) * 3))
    )
    tokens = [token for part in parts for token in part]
    for clients in (ours, theirs):
        await clients.edge.tracking.record_events(
            [Event(token, verdict=Verdict.HUMAN) for token in tokens]
        )
    told = await asyncio.gather(
        *(clients.reporter.stats.get_campaign_stats("spring") for clients in (ours, theirs) * 4)
    )
    assert {stats.opens.human.anonymous for stats in told} == {Count(6000, 3000)}


async def test_an_opt_out_at_one_holds_at_the_other(
    ours: Clients, theirs: Clients, database: Connection
) -> None:
    """While the other records all the time, no row names who has opted out here."""
    names = [f"reader-{number}" for number in range(20)]
    mailing = await send(ours, names)
    tenant = await tenant_number(database, ours.tenant_id)
    events = [Event(token, verdict=Verdict.HUMAN) for token in mailing.tokens.values()]
    is_over = asyncio.Event()
    recorded: list[int] = []

    async def flood() -> None:
        while not is_over.is_set():
            answer = await theirs.edge.tracking.record_events(events)
            recorded.append(answer.accepted_count)

    floods = [asyncio.create_task(flood()) for _ in range(3)]
    gone = []
    for name in names:
        await ours.sender.preferences.set_preference(name, DoNotTrack.TRUE)
        gone.append(await contact_number(database, tenant, name))
        assert (
            await database.fetchval(
                "select count(*) from events where tenant = $1 and contact = any($2)", tenant, gone
            )
            == 0
        )
    is_over.set()
    await asyncio.gather(*floods)
    assert recorded
    assert await database.fetchval("select count(*) from events where tenant = $1", tenant) == 0
    opens = (await mailing.stats()).opens.human
    assert (opens.identified, opens.anonymous) == (Count(0, 0), Count(sum(recorded), len(names)))


async def test_a_policy_changed_at_one_holds_at_the_other(ours: Clients, theirs: Clients) -> None:
    """The first event and the first message after the answer are decided by the new policy."""
    mailing = await send(ours, ["ann"])
    await theirs.edge.tracking.record_open(mailing.tokens["ann"], verdict=Verdict.HUMAN)
    await ours.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.OFF))
    await theirs.edge.tracking.record_open(mailing.tokens["ann"], verdict=Verdict.HUMAN)
    issued = await theirs.sender.campaigns.issue_tokens(mailing.campaign_id, GROUP, ["bob"])
    assert [token.mode for token in issued.tokens] == [Mode.OFF]

    async def is_folded() -> bool:
        return (await ours.admin.admin.get_tenant()).folding is None

    await eventually(is_folded, "the policy's job ends")
    opens = (await mailing.stats()).opens.human
    assert (opens.identified.total, opens.aggregate.total) == (0, 1)


async def test_a_key_revoked_at_one_is_refused_by_the_other(
    second: Second, ours: Clients, theirs: Clients
) -> None:
    """A revoked key is refused at once where it was revoked, and soon everywhere."""
    made = await ours.admin.admin.create_api_key(Role.SENDER)
    assert made.secret is not None
    async with second.client(made.secret) as client:
        await client.preferences.get_preference("ann")
        await ours.admin.admin.revoke_api_key(made.api_key.key_id)

        async def is_refused() -> bool:
            try:
                await client.preferences.get_preference("ann")
            except UnauthenticatedError as error:
                return error.reason is ErrorReason.API_KEY_REVOKED
            return False

        await eventually(is_refused, "the other refuses the key", seconds=10)


async def test_links_registered_at_one_are_watched_at_the_other(
    ours: Clients, theirs: Clients
) -> None:
    """An edge learns of every link, whichever authority it has asked."""
    async with aclosing(theirs.edge.tracking.watch_links()) as updates:
        async for update in updates:
            if update.snapshot_complete:
                break
        created = await ours.sender.campaigns.create_campaign("new", links=URLS)
        seen = []
        async for update in updates:
            seen += [
                link.url for link in update.links if link.campaign_number == created.campaign_number
            ]
            if seen:
                break
    assert tuple(seen) == URLS


async def test_metrics_name_nobody(second: Second, theirs: Clients) -> None:
    """Metrics are served, and no label tells of a contact, a tenant or a campaign."""
    await send(theirs, ["ann@example.com"])
    with pytest.raises(UnauthenticatedError):
        async with second.client("hp_nonsense") as stranger:
            await stranger.preferences.get_preference("ann@example.com")
    text = await asyncio.to_thread(_read, second.metrics)
    assert 'hushpost_rpc_seconds_count{code="OK",method="IssueTokens"}' in text
    assert 'code="UNAUTHENTICATED"' in text
    assert "hushpost_commit_events_bucket" in text
    ours = [line for line in text.splitlines() if line.startswith("hushpost_")]
    labels = {label for line in ours for label in re.findall(r'(\w+)="', line)}
    assert labels <= {"method", "code", "le", "name", "cause"}
    for word in ("ann@example.com", theirs.tenant_id, "spring", GROUP):
        assert word not in text


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own address
        content: bytes = answer.read()
    return content.decode()


async def test_a_taken_address_is_said_in_one_line(
    authority: RunningAuthority, tmp_path: Path
) -> None:
    """A second authority on an address that is taken ends with the reason, not with a traceback."""
    data_dir = authority.process.data_dir
    process = AuthorityProcess(
        tmp_path,
        "--keyring",
        str(data_dir / "keyring.json"),
        environment={"HUSHPOST_DATABASE_URL": database_uri(data_dir)},
    )
    process.target = authority.target
    with pytest.raises(AssertionError, match="did not start"):
        await asyncio.to_thread(process.start)
    assert process.process.returncode == 1
    last = process.log_file.read_text().splitlines()[-1]
    assert last.startswith(f"hushpost: cannot listen on {authority.target}")
    assert "Traceback" not in process.log_file.read_text()
