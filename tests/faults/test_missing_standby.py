"""While a synchronous standby is missing, no write is acknowledged, at the first try or later."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from hushpost_client import (
    DoNotTrack,
    ErrorReason,
    Event,
    PolicyUpdate,
    PreferenceEntry,
    Release,
    Role,
    UnavailableError,
    Verdict,
)
from tests.authority import AuthorityProcess
from tests.conftest import Clients
from tests.faults.load import IMPATIENT, PatientAuthority
from tests.inspection import Connection, connected
from tests.mailing import GROUP, Mailing, clients_of, eventually, send
from tests.wire import METHODS

UNACKNOWLEDGED_SECONDS = 0.5


@dataclass(frozen=True)
class World:
    """An authority with a campaign to ann and an API key to revoke, and its database."""

    mailing: Mailing
    database: Connection
    key_id: str

    @property
    def clients(self) -> Clients:
        """The clients of the tenant."""
        return self.mailing.clients

    @asynccontextmanager
    async def standby_missing(self) -> AsyncIterator[None]:
        """Configure a synchronous standby that does not exist."""
        await self._set_standbys("missing")
        try:
            yield
        finally:
            await self._set_standbys("")

    async def _set_standbys(self, names: str) -> None:
        await self.database.execute(f"alter system set synchronous_standby_names = '{names}'")
        await self.database.execute("select pg_reload_conf()")

        async def applies() -> bool:
            return bool(await self.database.fetchval("show synchronous_standby_names") == names)

        await eventually(applies, "the setting is in force")
        # The checkpointer tells all sessions, before it does what is requested.
        await self.database.execute("checkpoint")

    async def cancel_wait(self) -> None:
        """Cancel the statement that waits for the standby, as a statement timeout does."""
        find = "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'"

        async def was_waiting() -> bool:
            return bool(await self.database.fetch(find))

        await eventually(was_waiting, "a commit waits for the standby")


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The world, with callers that do not retry."""
    with AuthorityProcess(tmp_path_factory.mktemp("standby")) as process:
        authority = PatientAuthority(process, process.target, process.admin_key(), IMPATIENT)
        async with AsyncExitStack() as stack:
            clients = await clients_of(stack, authority)
            made = await clients.admin.admin.create_api_key(Role.SENDER)
            await clients.admin.domains.add_tracking_domain("old.example.com")
            database = await stack.enter_async_context(connected(process.data_dir))
            yield World(await send(clients, ["ann"]), database, made.api_key.key_id)


Write = Callable[[World, str], Awaitable[object]]

WRITES: dict[str, Write] = {
    "RecordOpen": lambda world, request: world.clients.edge.tracking.record_open(
        world.mailing.tokens["ann"], verdict=Verdict.HUMAN, request_id=request
    ),
    "RecordClick": lambda world, request: world.clients.edge.tracking.record_click(
        world.mailing.tokens["ann"], 1, verdict=Verdict.HUMAN, request_id=request
    ),
    "RecordEvents": lambda world, request: world.clients.edge.tracking.record_events(
        [Event(world.mailing.tokens["ann"])], request_id=request
    ),
    "SetPreference": lambda world, request: world.clients.sender.preferences.set_preference(
        "bob", DoNotTrack.TRUE, request_id=request
    ),
    "BatchSetPreferences": lambda world, request: (
        world.clients.sender.preferences.batch_set_preferences(
            [PreferenceEntry("bob", DoNotTrack.TRUE)], request_id=request
        )
    ),
    "EraseContact": lambda world, request: world.clients.sender.preferences.erase_contact(
        "carol", request_id=request
    ),
    "CreateCampaign": lambda world, request: world.clients.sender.campaigns.create_campaign(
        "summer", request_id=request
    ),
    "ExtendCampaign": lambda world, request: world.clients.sender.campaigns.extend_campaign(
        "spring", groups=["more"], request_id=request
    ),
    "IssueTokens": lambda world, request: world.clients.sender.campaigns.issue_tokens(
        "spring", GROUP, ["ann"], request_id=request
    ),
    "CloseCampaign": lambda world, _: world.clients.sender.campaigns.close_campaign("summer"),
    "CreateTenant": lambda world, request: world.clients.installation.admin.create_tenant(
        "other", request_id=request
    ),
    "UpdatePolicy": lambda world, request: world.clients.admin.admin.update_policy(
        PolicyUpdate(release=Release.EXACT), request_id=request
    ),
    "CreateApiKey": lambda world, request: world.clients.admin.admin.create_api_key(
        Role.SENDER, request_id=request
    ),
    "RevokeApiKey": lambda world, _: world.clients.admin.admin.revoke_api_key(world.key_id),
    "AddTrackingDomain": lambda world, request: world.clients.admin.domains.add_tracking_domain(
        "new.example.com", request_id=request
    ),
    "RemoveTrackingDomain": lambda world, request: (
        world.clients.admin.domains.remove_tracking_domain("old.example.com", request_id=request)
    ),
}
"""Every RPC that writes, with a request id if it takes one."""


def test_every_rpc_that_writes_is_tested() -> None:
    """The list above is complete: all RPCs but those that read."""
    reading = ("Get", "BatchGet", "List", "Watch", "Resolve", "Preview", "OpenSpoolKey")
    # It needs a DNS server, and takes no request id.
    others = {"CheckTrackingDomain"}
    assert set(WRITES) == {name for name in METHODS if not name.startswith(reading)} - others


async def test_a_repeated_write_waits_for_the_standby(world: World) -> None:
    """A call that repeats an earlier one, and so writes nothing, is not acknowledged either."""
    requests = {name: str(uuid.uuid4()) for name in WRITES}
    for name, write in WRITES.items():
        await write(world, requests[name])
    async with world.standby_missing():
        repeated = {
            name: asyncio.ensure_future(write(world, requests[name]))
            for name, write in WRITES.items()
        }
        await asyncio.wait(repeated.values(), timeout=UNACKNOWLEDGED_SECONDS)
        acknowledged = {name for name, call in repeated.items() if call.done()}
        assert acknowledged == set()
    await asyncio.gather(*repeated.values())


async def test_a_canceled_wait_for_the_standby_is_not_acknowledged(world: World) -> None:
    """PostgreSQL reports success after a canceled wait; the caller gets UNAVAILABLE."""
    before = (await world.mailing.stats()).opens.human.identified.total
    request = str(uuid.uuid4())
    async with world.standby_missing():
        for _ in ("first try", "repetition"):
            call = asyncio.ensure_future(WRITES["RecordOpen"](world, request))
            await world.cancel_wait()
            with pytest.raises(UnavailableError) as caught:
                await call
            assert caught.value.reason is ErrorReason.DATABASE_UNAVAILABLE
    await WRITES["RecordOpen"](world, request)
    assert (await world.mailing.stats()).opens.human.identified.total == before + 1
