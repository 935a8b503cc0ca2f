"""Two tenants for calls that must be rejected, and the check of a rejection."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import grpc
import pytest
from google.protobuf.message import Message

from tests.inspection import Connection, contents
from tests.wire import METHODS, Wire

URL = "https://shop.example.com/sale"

SENDER, EDGE, REPORTER, ADMIN = "sender", "edge", "reporter", "admin"
INSTALLATION = "installation"
NO_KEY, UNKNOWN_KEY, MALFORMED_KEY, REVOKED_KEY = "none", "unknown", "malformed", "revoked"

KEY_OF_SERVICE: Mapping[str, str] = {
    "TrackingService": EDGE,
    "PreferenceService": SENDER,
    "CampaignService": SENDER,
    "StatsService": REPORTER,
    "AdminService": ADMIN,
    "DomainService": ADMIN,
}

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
DENIED = grpc.StatusCode.PERMISSION_DENIED
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


@dataclass(frozen=True)
class Scenario:
    """Two tenants, each with a campaign "spring"; the first also has the closed campaign "closed".

    "spring" has two links and the group "vip". The contacts "bob" and "cid" have consented.

    Attributes:
        keys: API keys by role, and invalid keys by what is wrong with them.
        tenant_id: The first tenant.
        other_id: The second tenant.
        tenants: The numbers of both tenants.
        token: The tracking token of the contact "ann".
        preference_token: The preference token of "ann".
        other_token: The tracking token of the second tenant's contact "ann".
        other_preference_token: Its preference token.
        campaigns_page: The page token of a second page of ListCampaigns.
        changes_page: The page token of a second page of ListPreferenceChanges.
    """

    keys: Mapping[str, str | None]
    tenant_id: str
    other_id: str
    tenants: tuple[int, int]
    token: str
    preference_token: str
    other_token: str
    other_preference_token: str
    campaigns_page: str
    changes_page: str


Request = Message | Callable[[Scenario], Message]


@dataclass(frozen=True)
class Case:
    """A call that must be rejected, and the expected error.

    `key` is a key of `Scenario.keys`; by default one whose role may make the call.
    """

    name: str
    method: str
    request: Request
    reason: str
    code: grpc.StatusCode = INVALID
    metadata: Mapping[str, str] = field(default_factory=dict)
    key: str = ""


def parametrize_cases(cases: Iterable[Case]) -> pytest.MarkDecorator:
    """Parametrize a test by cases, named after their RPC."""
    return pytest.mark.parametrize(
        "case", list(cases), ids=lambda case: f"{case.method}: {case.name}"
    )


async def check_rejected(scenario: Scenario, wire: Wire, database: Connection, case: Case) -> None:
    """Check that a call fails with the expected error and changes nothing in the database."""
    request = case.request if isinstance(case.request, Message) else case.request(scenario)
    key = case.key or KEY_OF_SERVICE[METHODS[case.method].containing_service.name]
    before = await contents(database, scenario.tenants)
    refusal = await wire.refusal(case.method, request, scenario.keys[key])
    assert (refusal.reason, refusal.code) == (case.reason, case.code)
    assert refusal.metadata == dict(case.metadata)
    assert refusal.domain == "hushpost"
    assert refusal.retry_seconds is None, "a retry cannot succeed"
    assert refusal.message
    assert await contents(database, scenario.tenants) == before
