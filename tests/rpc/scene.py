"""Two tenants with something to refuse, and what it means to be refused."""

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
}

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
DENIED = grpc.StatusCode.PERMISSION_DENIED
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


@dataclass(frozen=True)
class Scene:
    """Two tenants, each with a campaign "spring"; the first has "closed" as well.

    The campaigns have two links and the group "vip"; the tokens are those of the
    contact "ann". The contacts "bob" and "cid" agreed to be tracked.
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


Request = Message | Callable[[Scene], Message]


@dataclass(frozen=True)
class Case:
    """A call that is refused, and how. Without a key: one that may make the call."""

    name: str
    method: str
    request: Request
    reason: str
    code: grpc.StatusCode = INVALID
    metadata: Mapping[str, str] = field(default_factory=dict)
    key: str = ""


def each(cases: Iterable[Case]) -> pytest.MarkDecorator:
    """Make a test of each case."""
    return pytest.mark.parametrize(
        "case", list(cases), ids=lambda case: f"{case.method}: {case.name}"
    )


async def check_refused(scene: Scene, wire: Wire, database: Connection, case: Case) -> None:
    """Make the call; check that it is refused as the contract says and has written nothing."""
    request = case.request if isinstance(case.request, Message) else case.request(scene)
    key = case.key or KEY_OF_SERVICE[METHODS[case.method].containing_service.name]
    before = await contents(database, scene.tenants)
    refusal = await wire.refusal(case.method, request, scene.keys[key])
    assert (refusal.reason, refusal.code) == (case.reason, case.code)
    assert refusal.metadata == dict(case.metadata)
    assert refusal.domain == "hushpost"
    assert refusal.retry_seconds is None, "waiting does not help"
    assert refusal.message
    assert await contents(database, scene.tenants) == before
