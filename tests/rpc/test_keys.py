"""Who may call what: keys, roles, and the lists that say so."""

from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from hushpost.v1 import admin_pb2, preference_pb2
from hushpost.v1.errors_pb2 import ErrorReason
from hushpost_service.domain.errors import Reason
from hushpost_service.domain.roles import Role
from hushpost_service.rpc.permissions import ROLES
from hushpost_service.rpc.status import CODES
from tests.inspection import Connection
from tests.rpc.scene import (
    ADMIN,
    EDGE,
    MALFORMED_KEY,
    NO_KEY,
    REPORTER,
    REVOKED_KEY,
    SENDER,
    UNAUTHENTICATED,
    UNKNOWN_KEY,
    Case,
    Scene,
    check_refused,
    each,
)
from tests.wire import METHODS, SERVICES, Wire, empty_request, refused

# What the comments of the services and of the role enum say, in one table.
ALLOWED: dict[str, set[str]] = {
    **{method.name: {EDGE} for method in SERVICES[0].methods},
    **{method.name: {SENDER} for method in SERVICES[1].methods},
    **{method.name: {SENDER} for method in SERVICES[2].methods},
    **{method.name: {REPORTER} for method in SERVICES[3].methods},
    **{method.name: {ADMIN} for method in SERVICES[4].methods},
    "SetPreference": {SENDER, EDGE},
    "GetPreference": {SENDER, EDGE},
    "GetCampaign": {SENDER, REPORTER},
    "ListCampaigns": {SENDER, REPORTER},
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("role", [SENDER, EDGE, REPORTER, ADMIN])
async def test_every_call_is_for_its_roles_only(
    scene: Scene, wire: Wire, database: Connection, method: str, role: str
) -> None:
    """A key makes the calls of its role, and every other call is refused for that reason."""
    request = empty_request(method)
    if role in ALLOWED[method]:
        reason = await _reason(wire, method, request, scene.keys[role])
        assert reason not in ("", "ROLE_NOT_ALLOWED")
        return
    metadata = {"role": role.upper(), "method": method}
    denied = grpc.StatusCode.PERMISSION_DENIED
    case = Case("", method, request, "ROLE_NOT_ALLOWED", denied, metadata, role)
    await check_refused(scene, wire, database, case)


async def _reason(wire: Wire, method: str, request: Message, key: str | None) -> str:
    """Make a call, and return why it was refused, or "OK"."""
    try:
        await wire.call(method, request, key)
    except grpc.aio.AioRpcError as error:
        return refused(error).reason
    return "OK"


@pytest.mark.parametrize("method", METHODS)
async def test_nobody_without_a_key_does_anything(
    scene: Scene, wire: Wire, database: Connection, method: str
) -> None:
    """Every call without a key is refused before anything else is looked at."""
    case = Case("", method, empty_request(method), "API_KEY_MISSING", UNAUTHENTICATED, key=NO_KEY)
    await check_refused(scene, wire, database, case)


_ASK = preference_pb2.GetPreferenceRequest(contact_id="ann")


@each(
    [
        Case("unknown", "GetPreference", _ASK, "API_KEY_INVALID", UNAUTHENTICATED, key=UNKNOWN_KEY),
        Case("other", "GetPreference", _ASK, "API_KEY_INVALID", UNAUTHENTICATED, key=MALFORMED_KEY),
        Case("revoked", "GetPreference", _ASK, "API_KEY_REVOKED", UNAUTHENTICATED, key=REVOKED_KEY),
    ]
)
async def test_a_key_that_does_not_hold_is_refused(
    scene: Scene, wire: Wire, database: Connection, case: Case
) -> None:
    """A key that never existed and one that was revoked are told apart."""
    await check_refused(scene, wire, database, case)


@pytest.mark.parametrize("header", ["", "Bearer", "Basic {key}", "{key}", "Token {key}"])
async def test_a_header_of_another_kind_is_no_key(scene: Scene, wire: Wire, header: str) -> None:
    """Only `Bearer hp_…` is taken as a key."""
    value = header.format(key=scene.keys[SENDER])
    call: Any = wire.channel.unary_unary(
        "/hushpost.v1.PreferenceService/GetPreference",
        preference_pb2.GetPreferenceRequest.SerializeToString,
        preference_pb2.GetPreferenceResponse.FromString,
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(_ASK, metadata=(("authorization", value),))
    assert refused(caught.value).reason == "API_KEY_MISSING"


async def test_an_admin_cannot_revoke_a_key_of_another_tenant(scene: Scene, wire: Wire) -> None:
    """A key of another tenant, or of the installation, does not exist for a tenant's admin."""
    listed = await wire.call(
        "ListApiKeys",
        admin_pb2.ListApiKeysRequest(page_size=1000),
        scene.keys["installation"],
    )
    foreign = [key for key in listed.api_keys if key.tenant_id != scene.tenant_id]
    assert {bool(key.tenant_id) for key in foreign} == {True, False}
    for key in (foreign[0], foreign[-1]):
        request = admin_pb2.RevokeApiKeyRequest(key_id=key.key_id)
        refusal = await wire.refusal("RevokeApiKey", request, scene.keys[ADMIN])
        assert refusal.reason == "API_KEY_NOT_FOUND"


async def test_a_tenants_admin_sees_its_own_keys_only(scene: Scene, wire: Wire) -> None:
    """Listing keys tells a tenant nothing of other tenants, and no secret to anybody."""
    listed = await wire.call("ListApiKeys", admin_pb2.ListApiKeysRequest(), scene.keys[ADMIN])
    assert {key.tenant_id for key in listed.api_keys} == {scene.tenant_id}
    assert not any(str(key) in str(listed) for key in scene.keys.values() if key)


def test_every_call_has_roles() -> None:
    """The guard knows each RPC of the protos, with the roles of its comment, and no other."""
    roles = {method: {role.name.lower() for role in found} for method, found in ROLES.items()}
    assert roles == ALLOWED


def test_roles_are_those_of_the_contract() -> None:
    """The service's roles have the names and numbers of the enum."""
    wired = {name.removeprefix("ROLE_"): number for name, number in admin_pb2.Role.items()}
    wired.pop("UNSPECIFIED")
    assert {role.name: role.value for role in Role} == wired


def test_reasons_are_those_of_the_contract() -> None:
    """The service's reasons are those of the enum, and each has a status code."""
    wired = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()}  # noqa: SIM118 - no dict
    assert {reason.value for reason in Reason} == wired - {"UNSPECIFIED"}
    assert set(CODES) == set(Reason)
