"""Every RPC with any bytes, and with damaged and hostile messages.

A few seconds; minutes with `HUSHPOST_TEST_FAULTS=full`, as `make test-faults` sets it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from hushpost_client import Hushpost, PolicyUpdate, Release, Role
from hushpost_service.domain.errors import Reason
from hushpost_service.rpc.status import CODES
from hushpost_service.tokens.codec import tenant_of
from tests.authority import AuthorityProcess
from tests.faults.extent import FIRST_SEED, FULL
from tests.rpc.hostile_messages import bodies
from tests.rpc.test_role_matrix import INSTALLATION, RULES, URL, Subject, sealer
from tests.wire import METHODS, Refusal, Wire, refused

FUZZ = settings(
    max_examples=1_000 if FULL else 25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TIMEOUT_SECONDS = 20

UNEXPECTED = {
    # They blame the authority or the network.
    Reason.INTERNAL,
    Reason.OVERLOADED,
    Reason.DATABASE_UNAVAILABLE,
    Reason.SHUTTING_DOWN,
    Reason.MESSAGE_TIMEOUT,
    Reason.DEADLINE_EXCEEDED,
    # They are about the key. Such a call ends before its body is read.
    Reason.API_KEY_MISSING,
    Reason.API_KEY_INVALID,
    Reason.API_KEY_REVOKED,
    Reason.API_KEY_EXPIRED,
    Reason.ROLE_NOT_ALLOWED,
}


@dataclass(frozen=True)
class Target:
    """An authority, and what valid calls need: a tenant with keys by kind, and its things."""

    process: AuthorityProcess
    wire: Wire
    subject: Subject
    keys: dict[str, str]

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts with a meaning in requests of the tenant."""
        subject = self.subject
        names = (subject.tenant_id, "spring", "to close", "vip", "ann", "bob")
        return (*names, subject.token, subject.preference_token, subject.key_id)

    async def send(self, method: str, kind: str, body: bytes) -> bytes:
        """Send the bytes of a request; return those of the response, of a stream the first."""
        descriptor = METHODS[method]
        path = f"/{descriptor.containing_service.full_name}/{descriptor.name}"
        metadata = (("authorization", f"Bearer {self.keys[kind]}"),)
        channel: Any = self.wire.channel
        if not descriptor.server_streaming:
            answer: bytes = await channel.unary_unary(path)(
                body, metadata=metadata, timeout=TIMEOUT_SECONDS
            )
            return answer
        stream = channel.unary_stream(path)(body, metadata=metadata, timeout=TIMEOUT_SECONDS)
        try:
            answer = await stream.read()
        finally:
            stream.cancel()
        return answer

    def check_alive_and_silent(self) -> None:
        """Check that the process runs, and has logged nothing but information."""
        assert self.process.process.poll() is None
        lines = self.process.log_file.read_text().splitlines()
        assert [line for line in lines if '"info"' not in line] == []


@pytest.fixture(scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """An authority of its own, because the calls create tenants and keys at random."""
    with AuthorityProcess(tmp_path_factory.mktemp("fuzzed")) as process:
        async with Wire(process.target) as wire:
            yield await with_tenant(process, wire, process.admin_key(), "fuzzed")


async def with_tenant(
    process: AuthorityProcess, wire: Wire, installation: str, tenant_id: str
) -> Target:
    """Create a tenant, its keys and campaigns, and return them as a target."""
    keys = {INSTALLATION: installation}
    async with Hushpost.connect(process.target, api_key=installation, tls=False) as client:
        await client.admin.create_tenant(tenant_id, policy=PolicyUpdate(release=Release.EXACT))
        for role in (Role.SENDER, Role.REPORTER, Role.ADMIN, Role.EDGE):
            owner = "" if role is Role.EDGE else tenant_id
            created = await client.admin.create_api_key(role, tenant_id=owner)
            assert created.secret
            keys[role.name] = created.secret
        spare = await client.admin.create_api_key(Role.SENDER, tenant_id=tenant_id)
    async with Hushpost.connect(process.target, api_key=keys["SENDER"], tls=False) as client:
        campaign = await client.campaigns.create_campaign(
            "spring", links=[URL], groups=["vip"], message_html="<p>Spring"
        )
        await client.campaigns.create_campaign("to close")
        issued = await client.campaigns.issue_tokens(
            "spring", "vip", ["ann"], include_preference_tokens=True
        )
    (message,) = issued.tokens
    assert message.token
    assert message.preference_token
    assert campaign.issue_key
    subject = Subject(
        tenant_id,
        message.token,
        message.preference_token,
        spare.api_key.key_id,
        campaign.campaign_number,
        sealer(process)(tenant_of(campaign.campaign_number)),
        campaign.issue_key,
    )
    return Target(process, wire, subject, keys)


async def outcome(target: Target, method: str, kind: str, body: bytes) -> str:
    """Send a body; return OK or the reason. The status must be a documented one."""
    try:
        answer = await target.send(method, kind, body)
    except grpc.aio.AioRpcError as error:
        return checked_reason(refused(error))
    message_factory.GetMessageClass(METHODS[method].output_type).FromString(answer)
    return "OK"


def checked_reason(refusal: Refusal) -> Reason:
    """Return the reason of an error, which must be complete and blame the body."""
    assert refusal.reason, f"no reason, but {refusal.code}: {refusal.message}"
    reason = Reason(refusal.reason)
    assert (refusal.code, refusal.domain) == (CODES[reason], "hushpost")
    assert reason not in UNEXPECTED
    assert refusal.message
    return reason


@pytest.mark.parametrize("method", METHODS)
@seed(FIRST_SEED)
@FUZZ
@given(data=st.data())
async def test_any_body_is_answered_or_rejected(
    target: Target, method: str, data: st.DataObject
) -> None:
    """The outcome is OK or a reason that blames the body; the authority runs on, silently."""
    rule = RULES[method]
    kind = data.draw(st.sampled_from(rule.kinds))
    valid = rule.build(target.subject, kind)
    await outcome(target, method, kind, data.draw(bodies(valid, target.texts)))
    target.check_alive_and_silent()


async def test_valid_messages_still_succeed(target: Target) -> None:
    """After all these calls, valid messages of another tenant have the usual outcomes."""
    other = await with_tenant(target.process, target.wire, target.keys[INSTALLATION], "unharmed")
    for method, rule in RULES.items():
        for kind in rule.kinds:
            body = rule.build(other.subject, kind).SerializeToString()
            expected = rule.expected(kind, is_own=True)
            assert (method, await outcome(other, method, kind, body)) == (method, expected)
    target.check_alive_and_silent()
