"""OpenSpoolKey opens the key of a spool for the tenants that the edge served, or more."""

import pytest

from hushpost_client import (
    ErrorReason,
    Hushpost,
    HushpostError,
    InvalidArgumentError,
    PermissionDeniedError,
    Role,
)
from hushpost_runtime.key_sealing import seal_key
from tests.conftest import Clients, RunningAuthority, make_tenant

KEY = bytes(range(32))


async def edge_key(authority: RunningAuthority, *tenants: str) -> str:
    """Create an API key of role EDGE, for some tenants or for all."""
    async with authority.client(authority.admin_key) as admin:
        created = await admin.admin.create_api_key(Role.EDGE, edge_tenant_ids=tenants)
    assert created.secret
    return created.secret


async def sealed_by(edge: Hushpost) -> bytes:
    """Seal a key as an edge does."""
    public = await edge.tracking.get_spool_public_key()
    return seal_key(KEY, public.tenant_numbers, public.key_id, public.public_key)


async def test_a_key_opens_for_the_same_tenants_or_more(authority: RunningAuthority) -> None:
    """An API key for fewer tenants gets no key of a spool that has events of others."""
    one, two = (await make_tenant(authority)).tenant_id, (await make_tenant(authority)).tenant_id
    scopes = [(one,), (two,), (one, two), ()]
    keys = {scope: await edge_key(authority, *scope) for scope in scopes}
    for sealing in scopes:
        async with authority.client(keys[sealing]) as edge:
            sealed = await sealed_by(edge)
        for opening in scopes:
            async with authority.client(keys[opening]) as edge:
                if not opening or (sealing and set(sealing) <= set(opening)):
                    assert await edge.tracking.open_spool_key(sealed) == KEY
                    continue
                with pytest.raises(PermissionDeniedError) as caught:
                    await edge.tracking.open_spool_key(sealed)
                assert caught.value.reason is ErrorReason.TENANT_NOT_ALLOWED


async def test_what_is_no_sealed_key_is_refused(clients: Clients) -> None:
    """The errors are typed, and tell nothing about the keyring."""
    edge = clients.edge
    sealed = await sealed_by(edge)
    for invalid in (b"", b"\1", sealed[:-1], sealed + b"a", bytes(50_000), b"\2" + sealed[1:]):
        with pytest.raises(InvalidArgumentError) as caught:
            await edge.tracking.open_spool_key(invalid)
        assert caught.value.reason is ErrorReason.FIELD_INVALID
        assert caught.value.metadata["field"] == "sealed_key"
    unknown = sealed[:1] + b"\xff" + sealed[2:]
    with pytest.raises(HushpostError) as unknown_key:
        await edge.tracking.open_spool_key(unknown)
    assert unknown_key.value.reason is ErrorReason.TOKEN_KEY_UNKNOWN
