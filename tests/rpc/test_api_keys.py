"""API keys: which are rejected, and which keys an ADMIN may see and revoke."""

from typing import Any

import grpc
import pytest

from hushpost.v1 import admin_pb2, preference_pb2
from hushpost.v1.errors_pb2 import ErrorReason
from hushpost_service.domain.errors import Reason
from hushpost_service.domain.roles import Role
from hushpost_service.rpc.status import CODES
from tests.inspection import Connection
from tests.rpc.scenario import (
    ADMIN,
    MALFORMED_KEY,
    NO_KEY,
    REVOKED_KEY,
    SENDER,
    UNAUTHENTICATED,
    UNKNOWN_KEY,
    Case,
    Scenario,
    check_rejected,
    parametrize_cases,
)
from tests.wire import METHODS, Wire, empty_request, refused


@pytest.mark.parametrize("method", METHODS)
async def test_a_call_without_a_key_is_rejected(
    scenario: Scenario, wire: Wire, database: Connection, method: str
) -> None:
    """Every call without a key fails with API_KEY_MISSING, whatever its content."""
    case = Case("", method, empty_request(method), "API_KEY_MISSING", UNAUTHENTICATED, key=NO_KEY)
    await check_rejected(scenario, wire, database, case)


_GET_PREFERENCE = preference_pb2.GetPreferenceRequest(contact_id="ann")


@parametrize_cases(
    [
        Case(
            "unknown",
            "GetPreference",
            _GET_PREFERENCE,
            "API_KEY_INVALID",
            UNAUTHENTICATED,
            key=UNKNOWN_KEY,
        ),
        Case(
            "malformed",
            "GetPreference",
            _GET_PREFERENCE,
            "API_KEY_INVALID",
            UNAUTHENTICATED,
            key=MALFORMED_KEY,
        ),
        Case(
            "revoked",
            "GetPreference",
            _GET_PREFERENCE,
            "API_KEY_REVOKED",
            UNAUTHENTICATED,
            key=REVOKED_KEY,
        ),
    ]
)
async def test_an_invalid_key_is_rejected(
    scenario: Scenario, wire: Wire, database: Connection, case: Case
) -> None:
    """An unknown key fails with API_KEY_INVALID, a revoked one with API_KEY_REVOKED."""
    await check_rejected(scenario, wire, database, case)


@pytest.mark.parametrize("header", ["", "Bearer", "Basic {key}", "{key}", "Token {key}"])
async def test_only_a_bearer_token_is_accepted_as_key(
    scenario: Scenario, wire: Wire, header: str
) -> None:
    """An authorization header other than `Bearer hp_…` fails with API_KEY_MISSING."""
    value = header.format(key=scenario.keys[SENDER])
    call: Any = wire.channel.unary_unary(
        "/hushpost.v1.PreferenceService/GetPreference",
        preference_pb2.GetPreferenceRequest.SerializeToString,
        preference_pb2.GetPreferenceResponse.FromString,
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(_GET_PREFERENCE, metadata=(("authorization", value),))
    assert refused(caught.value).reason == "API_KEY_MISSING"


async def test_an_admin_cannot_revoke_a_key_of_another_tenant(
    scenario: Scenario, wire: Wire
) -> None:
    """Revoking a key of another tenant or of the installation fails with API_KEY_NOT_FOUND."""
    listed = await wire.call(
        "ListApiKeys",
        admin_pb2.ListApiKeysRequest(page_size=1000),
        scenario.keys["installation"],
    )
    other_keys = [key for key in listed.api_keys if key.tenant_id != scenario.tenant_id]
    assert {bool(key.tenant_id) for key in other_keys} == {True, False}
    for key in (other_keys[0], other_keys[-1]):
        request = admin_pb2.RevokeApiKeyRequest(key_id=key.key_id)
        refusal = await wire.refusal("RevokeApiKey", request, scenario.keys[ADMIN])
        assert refusal.reason == "API_KEY_NOT_FOUND"


async def test_an_admin_lists_keys_of_its_own_tenant_only(scenario: Scenario, wire: Wire) -> None:
    """ListApiKeys returns the keys of the caller's tenant, without secrets."""
    listed = await wire.call("ListApiKeys", admin_pb2.ListApiKeysRequest(), scenario.keys[ADMIN])
    assert {key.tenant_id for key in listed.api_keys} == {scenario.tenant_id}
    assert not any(str(key) in str(listed) for key in scenario.keys.values() if key)


def test_roles_equal_those_of_the_protos() -> None:
    """The service's roles have the names and numbers of the protobuf enum."""
    in_protos = {name.removeprefix("ROLE_"): number for name, number in admin_pb2.Role.items()}
    in_protos.pop("UNSPECIFIED")
    assert {role.name: role.value for role in Role} == in_protos


def test_error_reasons_equal_those_of_the_protos() -> None:
    """The service's reasons are those of the protobuf enum, and each has a status code."""
    in_protos = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()}  # noqa: SIM118 - no dict
    assert {reason.value for reason in Reason} == in_protos - {"UNSPECIFIED"}
    assert set(CODES) == set(Reason)
