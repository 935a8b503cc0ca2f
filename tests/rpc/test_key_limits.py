"""API keys that expire, EDGE keys for some tenants, and the audit log of keys."""

import asyncio
import time
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hushpost_client import (
    ErrorReason,
    Event,
    Hushpost,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    Role,
    UnauthenticatedError,
    Verdict,
)
from tests.authority import AuthorityProcess
from tests.conftest import Clients, RunningAuthority, TenantKeys, make_tenant
from tests.inspection import Connection, events_of, tenant_number
from tests.mailing import URLS, Mailing, clients_of, send


async def _edge(authority: RunningAuthority, clients: Clients) -> Hushpost:
    """Return a client with an EDGE key for one tenant."""
    created = await clients.installation.admin.create_api_key(
        Role.EDGE, edge_tenant_ids=[clients.tenant_id]
    )
    assert created.secret is not None
    return authority.client(created.secret)


@pytest.fixture
async def other_mailing(authority: RunningAuthority) -> Mailing:
    """A mailing of another tenant than that of `clients`."""
    async with AsyncExitStack() as stack:
        return await send(await clients_of(stack, authority), ["bob"])


async def test_a_foreign_event_of_a_batch_is_rejected_alone(
    authority: RunningAuthority, clients: Clients, other_mailing: Mailing, database: Connection
) -> None:
    """Events of other tenants are rejected; the others are recorded."""
    mailing = await send(clients, ["ann"])
    own, foreign = mailing.tokens["ann"], other_mailing.tokens["bob"]
    damaged = own[:30] + ("A" if own[30] != "A" else "B") + own[31:]
    tokens = [foreign, own, damaged, "", foreign]
    async with await _edge(authority, clients) as edge:
        response = await edge.tracking.record_events(
            [Event(token, verdict=Verdict.HUMAN) for token in tokens]
        )
    reasons = {rejected.index: rejected.reason for rejected in response.rejected}
    assert reasons == {
        0: ErrorReason.TENANT_NOT_ALLOWED,
        2: ErrorReason.TOKEN_INVALID,
        3: ErrorReason.TOKEN_INVALID,
        4: ErrorReason.TENANT_NOT_ALLOWED,
    }
    assert response.accepted_count == 1
    tenant = await tenant_number(database, clients.tenant_id)
    assert await events_of(database, tenant, "ann") == 1


async def test_a_key_does_not_tell_whether_foreign_tokens_are_genuine(
    authority: RunningAuthority, clients: Clients, other_mailing: Mailing
) -> None:
    """A genuine and a forged token of another tenant are rejected alike, in every call."""
    genuine = other_mailing.tokens["bob"]
    forged = genuine[:40] + "A" * 16
    async with await _edge(authority, clients) as edge:
        for token in (genuine, forged):
            batch = await edge.tracking.record_events([Event(token)])
            assert [item.reason for item in batch.rejected] == [ErrorReason.TENANT_NOT_ALLOWED]
            for call in (
                edge.tracking.record_open(token),
                edge.tracking.record_click(token, 1),
                edge.tracking.resolve_link(token, 1),
            ):
                with pytest.raises(PermissionDeniedError) as caught:
                    await call
                assert caught.value.reason is ErrorReason.TENANT_NOT_ALLOWED


async def test_only_links_of_the_keys_tenants_are_streamed(
    authority: RunningAuthority, clients: Clients, other_mailing: Mailing
) -> None:
    """A key for some tenants gets their links, also new ones, and none of other tenants."""
    own = await clients.sender.campaigns.create_campaign("spring", links=URLS)
    async with await _edge(authority, clients) as edge:
        async with aclosing(edge.tracking.watch_links()) as updates:
            snapshot = await anext(updates)
            assert snapshot.snapshot_complete
            assert {link.campaign_number for link in snapshot.links} == {own.campaign_number}
            await _add_link_of_another_tenant(authority)
            await clients.sender.campaigns.extend_campaign("spring", links=URLS[:1])
            live = await anext(updates)
            assert [link.campaign_number for link in live.links] == [own.campaign_number]
        async with aclosing(edge.tracking.watch_links(live.cursor)) as updates:
            assert (await anext(updates)).links == ()
    # A cursor of a key for fewer tenants starts a key for more of them at the beginning.
    async with aclosing(clients.edge.tracking.watch_links(live.cursor)) as updates:
        numbers = {link.campaign_number for link in (await anext(updates)).links}
    assert numbers - {own.campaign_number}
    for cursor in (f"{live.cursor}0", "-", "1-", "x-00000000"):
        async with aclosing(clients.edge.tracking.watch_links(cursor)) as updates:
            with pytest.raises(InvalidArgumentError):
                await anext(updates)


async def _add_link_of_another_tenant(authority: RunningAuthority) -> None:
    keys: TenantKeys = await make_tenant(authority)
    async with authority.client(keys.sender_key) as sender:
        await sender.campaigns.create_campaign("new", links=URLS)


async def test_only_edge_keys_take_a_list_of_tenants(clients: Clients) -> None:
    """Other roles have one tenant, and every tenant of the list must exist."""
    create = clients.installation.admin.create_api_key
    with pytest.raises(InvalidArgumentError) as caught:
        await create(Role.SENDER, tenant_id=clients.tenant_id, edge_tenant_ids=[clients.tenant_id])
    assert caught.value.metadata == {"field": "edge_tenant_ids"}
    for unknown in ("no-such-tenant", "", "UPPER", "a\x00"):
        with pytest.raises(NotFoundError) as missing:
            await create(Role.EDGE, edge_tenant_ids=[clients.tenant_id, unknown])
        assert missing.value.reason is ErrorReason.TENANT_NOT_FOUND
    with pytest.raises(InvalidArgumentError):
        await create(Role.EDGE, edge_tenant_ids=["x"] * 1001)


async def test_a_key_expires(authority: RunningAuthority, clients: Clients) -> None:
    """A key works until its expiry; then calls and open streams end with API_KEY_EXPIRED."""
    expiry = datetime.now(UTC) + timedelta(seconds=1.5)
    created = await clients.installation.admin.create_api_key(Role.EDGE, expire_time=expiry)
    assert created.api_key.expire_time == expiry
    assert created.secret is not None
    async with authority.client(created.secret) as edge:
        async with aclosing(edge.tracking.watch_links()) as updates:
            async for update in updates:
                if update.snapshot_complete:
                    break
            assert datetime.now(UTC) < expiry
            with pytest.raises(UnauthenticatedError) as ended:
                async for _ in updates:
                    pass
        assert timedelta(0) < datetime.now(UTC) - expiry < timedelta(seconds=1)
        with pytest.raises(UnauthenticatedError) as rejected:
            await edge.tracking.resolve_link("x", 1)
    reasons = {ended.value.reason, rejected.value.reason}
    assert reasons == {ErrorReason.API_KEY_EXPIRED}


@pytest.mark.parametrize("offset", [timedelta(0), timedelta(days=-1), timedelta(days=-700_000)])
async def test_a_key_must_expire_in_the_future(clients: Clients, offset: timedelta) -> None:
    """An expiry in the past is rejected, and no key is created."""
    before = [key.key_id async for key in clients.installation.admin.list_api_keys()]
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.installation.admin.create_api_key(
            Role.EDGE, expire_time=datetime.now(UTC) + offset
        )
    assert caught.value.metadata == {"field": "expire_time"}
    assert [key.key_id async for key in clients.installation.admin.list_api_keys()] == before


async def test_the_audit_log_names_who_created_and_revoked_a_key(
    authority: RunningAuthority, clients: Clients
) -> None:
    """Keys are listed for ever, with the keys that created and revoked them; the first counts."""
    own = {key.role: key async for key in clients.admin.admin.list_api_keys()}
    created = (await clients.admin.admin.create_api_key(Role.SENDER)).api_key
    assert created.create_actor == own[Role.ADMIN].key_id
    assert (created.revoke_time, created.revoke_actor) == (None, None)
    revoked = await clients.admin.admin.revoke_api_key(created.key_id)
    assert revoked.revoke_actor == own[Role.ADMIN].key_id
    assert await clients.installation.admin.revoke_api_key(created.key_id) == revoked
    listed = {key.key_id: key async for key in clients.installation.admin.list_api_keys()}
    assert listed[created.key_id] == revoked
    assert {key.create_actor for key in listed.values() if key.role is Role.ADMIN} >= {"admin-key"}


async def test_the_last_use_of_a_key_is_stored_as_a_date(tmp_path: Path) -> None:
    """After a call, and at the latest when the authority stops, a key has its day of use."""
    with AuthorityProcess(tmp_path) as process:
        running = RunningAuthority.of(process)
        keys = await make_tenant(running)
        async with running.client(keys.sender_key) as client:
            await client.preferences.get_preference("ann")
        assert process.stop() == 0
        process.start()
        async with running.client(running.admin_key) as client:
            listed = {
                key.role: key async for key in client.admin.list_api_keys(tenant_id=keys.tenant_id)
            }
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        assert listed[Role.SENDER].last_used_time in (today, today - timedelta(days=1))
        assert listed[Role.REPORTER].last_used_time is None


async def test_admin_key_can_expire(authority: RunningAuthority) -> None:
    """`hushpost admin-key --expires-in-days` creates a key with an expiry."""
    start = time.time()
    secret = await asyncio.to_thread(authority.process.admin_key, "--expires-in-days", "30")
    async with authority.client(secret) as client:
        newest = [key async for key in client.admin.list_api_keys()][-1]
    assert newest.create_actor == "admin-key"
    assert newest.expire_time is not None
    assert 0 <= newest.expire_time.timestamp() - 30 * 86_400 - start < 60
