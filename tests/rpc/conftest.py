"""A scene that calls are made in, and a look behind it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from hushpost_client import DoNotTrack, Hushpost, Role
from tests.conftest import Clients, RunningAuthority, TenantKeys, make_tenant
from tests.inspection import Connection, connected, tenant_number
from tests.mailing import clients_of
from tests.rpc.scene import (
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
    Scene,
)
from tests.wire import Wire, empty_request


@pytest.fixture(scope="session")
async def wire(authority: RunningAuthority) -> AsyncIterator[Wire]:
    """A channel to the authority."""
    async with Wire(authority.target) as opened:
        yield opened


@pytest.fixture(scope="session")
async def database(authority: RunningAuthority) -> AsyncIterator[Connection]:
    """A connection past the authority to its database, for looking only."""
    async with connected(authority.process.data_dir) as connection:
        yield connection


@pytest.fixture
async def exact(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """Clients of a tenant whose numbers are exact."""
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority)


@pytest.fixture(scope="module")
async def scene(authority: RunningAuthority, wire: Wire, database: Connection) -> Scene:
    """Two tenants with something to refuse."""
    ours, other = await make_tenant(authority), await make_tenant(authority)
    token, preference_token = await _furnish(authority, ours)
    other_token, other_preference_token = await _furnish(authority, other)
    async with authority.client(ours.sender_key) as client:
        await client.campaigns.create_campaign("closed", groups=["vip"])
        await client.campaigns.close_campaign("closed")
    return Scene(
        {
            SENDER: ours.sender_key,
            EDGE: ours.edge_key,
            REPORTER: ours.reporter_key,
            ADMIN: ours.admin_key,
            INSTALLATION: authority.admin_key,
            NO_KEY: None,
            UNKNOWN_KEY: f"hp_{'A' * 43}",
            MALFORMED_KEY: "nonsense",
            REVOKED_KEY: await _revoked_key(authority, ours),
        },
        ours.tenant_id,
        other.tenant_id,
        (
            await tenant_number(database, ours.tenant_id),
            await tenant_number(database, other.tenant_id),
        ),
        token,
        preference_token,
        other_token,
        other_preference_token,
        await _second_page(wire, "ListCampaigns", ours.sender_key),
        await _second_page(wire, "ListPreferenceChanges", ours.sender_key),
    )


async def _furnish(authority: RunningAuthority, keys: TenantKeys) -> tuple[str, str]:
    """Create a campaign, set preferences and return a token of each kind."""
    async with authority.client(keys.sender_key) as client:
        await client.campaigns.create_campaign("spring", links=[URL, f"{URL}/2"], groups=["vip"])
        for contact in ("bob", "cid"):
            await client.preferences.set_preference(contact, DoNotTrack.FALSE)
        issued = await client.campaigns.issue_tokens(
            "spring", "vip", ["ann"], include_preference_tokens=True
        )
    return issued.tokens[0].token, issued.tokens[0].preference_token


async def _revoked_key(authority: RunningAuthority, keys: TenantKeys) -> str:
    client: Hushpost
    async with authority.client(keys.admin_key) as client:
        created = await client.admin.create_api_key(Role.SENDER)
        await client.admin.revoke_api_key(created.api_key.key_id)
    assert created.secret is not None
    return created.secret


async def _second_page(wire: Wire, method: str, key: str) -> str:
    request = empty_request(method)
    request.page_size = 1  # type: ignore[attr-defined] # both lists have it
    token: str = (await wire.call(method, request, key)).next_page_token
    assert token
    return token
