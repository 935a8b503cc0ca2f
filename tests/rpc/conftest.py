"""Fixtures for calls: a scenario with two tenants, clients, and a database connection."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from hushpost_client import DoNotTrack, Hushpost, Role
from hushpost_service.admin.secret import new_secret
from tests.conftest import Clients, RunningAuthority, TenantKeys, make_tenant
from tests.inspection import Connection, tenant_number
from tests.mailing import clients_of
from tests.rpc.scenario import (
    ADMIN,
    EDGE,
    INSTALLATION,
    MALFORMED_KEY,
    NO_KEY,
    REPORTER,
    REVOKED_KEY,
    SENDER,
    UNKNOWN_KEY,
    URL,
    Scenario,
)
from tests.wire import Wire, empty_request


@pytest.fixture
async def exact_clients(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """Clients of a tenant whose campaigns release exact counts."""
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority)


@pytest.fixture(scope="module")
async def scenario(authority: RunningAuthority, wire: Wire, database: Connection) -> Scenario:
    """Two tenants with campaigns, contacts, tokens and keys."""
    own, other = await make_tenant(authority), await make_tenant(authority)
    token, preference_token = await _create_spring_campaign(authority, own)
    other_token, other_preference_token = await _create_spring_campaign(authority, other)
    async with authority.client(own.sender_key) as client:
        await client.campaigns.create_campaign("closed", groups=["vip"])
        await client.campaigns.close_campaign("closed")
    return Scenario(
        keys={
            SENDER: own.sender_key,
            EDGE: own.edge_key,
            REPORTER: own.reporter_key,
            ADMIN: own.admin_key,
            INSTALLATION: authority.admin_key,
            NO_KEY: None,
            UNKNOWN_KEY: new_secret(),
            MALFORMED_KEY: "nonsense",
            REVOKED_KEY: await _revoked_key(authority, own),
        },
        tenant_id=own.tenant_id,
        other_id=other.tenant_id,
        tenants=(
            await tenant_number(database, own.tenant_id),
            await tenant_number(database, other.tenant_id),
        ),
        token=token,
        preference_token=preference_token,
        other_token=other_token,
        other_preference_token=other_preference_token,
        campaigns_page=await _second_page(wire, "ListCampaigns", own.sender_key),
        changes_page=await _second_page(wire, "ListPreferenceChanges", own.sender_key),
    )


async def _create_spring_campaign(authority: RunningAuthority, keys: TenantKeys) -> tuple[str, str]:
    """Create the campaign "spring" and contacts; return ann's tracking and preference token."""
    async with authority.client(keys.sender_key) as client:
        await client.campaigns.create_campaign("spring", links=[URL, f"{URL}/2"], groups=["vip"])
        for contact in ("bob", "cid"):
            await client.preferences.set_preference(contact, DoNotTrack.FALSE)
        issued = await client.campaigns.issue_tokens(
            "spring", "vip", ["ann"], include_preference_tokens=True
        )
    (message,) = issued.tokens
    assert message.token
    assert message.preference_token
    return message.token, message.preference_token


async def _revoked_key(authority: RunningAuthority, keys: TenantKeys) -> str:
    client: Hushpost
    async with authority.client(keys.admin_key) as client:
        created = await client.admin.create_api_key(Role.SENDER)
        await client.admin.revoke_api_key(created.api_key.key_id)
    assert created.secret is not None
    return created.secret


async def _second_page(wire: Wire, method: str, key: str) -> str:
    """Return the page token of the second page of a list."""
    request = empty_request(method)
    request.page_size = 1  # type: ignore[attr-defined] # both lists have it
    token: str = (await wire.call(method, request, key)).next_page_token
    assert token
    return token
