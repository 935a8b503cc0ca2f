"""Property test: the authority reports the same numbers as a simple model of it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hushpost.v1 import admin_pb2
from tests.conftest import RunningAuthority
from tests.faults.extent import FULL
from tests.modes.model import Consent, Mode, Model, Policy, State, changed
from tests.modes.replay import Keys, Replay, new_keys
from tests.wire import Wire

CONTACTS = ("ann", "bob")
CAMPAIGNS = 2

Step = tuple[object, ...]
"""A kind of `_KINDS` and its arguments."""

contacts = st.sampled_from(CONTACTS)
states = st.sampled_from(State)
# Most stories begin with identified messages; then many decisions are about one purpose.
consents = st.sampled_from(Consent)
undecided = st.just((None, None))
granted = st.just((Consent.GRANTED, Consent.GRANTED))
decisions = st.one_of(
    st.tuples(consents, st.none()), st.tuples(st.none(), consents), st.tuples(consents, consents)
)
refused_modes = st.sampled_from((*[Mode.ANONYMOUS] * 4, Mode.AGGREGATE, Mode.OFF))
modes = st.tuples(st.sampled_from((*[Mode.IDENTIFIED] * 4, *Mode)), refused_modes, refused_modes)
policies = st.builds(
    Policy,
    enabled=st.sampled_from((*[True] * 5, False)),
    opens=modes,
    clicks=modes,
    keep=st.booleans(),
)
policy_changes = st.one_of(
    st.tuples(st.just("enabled"), st.booleans()),
    st.tuples(st.just("opens"), modes),
    st.tuples(st.just("clicks"), modes),
    st.tuples(st.just("keep"), st.booleans()),
)
histories = st.sampled_from((None, None, False, True))
records = st.tuples(
    st.just("record"),
    st.integers(0, 5),
    st.sampled_from((0, 0, 1, 2)),
    st.sampled_from((0, 0, 3)),
    st.sampled_from((False, False, False, True)),
    st.sampled_from((False, False, False, True)),
    st.sampled_from((False, False, False, False, False, True)),
)
steps = st.one_of(
    records,
    records,
    records,
    st.tuples(st.just("view"), contacts, states, histories),
    st.tuples(st.just("consents"), contacts, decisions, histories),
    st.tuples(st.just("consents"), contacts, decisions, histories),
    st.tuples(st.just("policy"), policy_changes),
    st.tuples(st.just("create"), st.sampled_from((Mode.IDENTIFIED, *Mode))),
    st.tuples(st.just("issue"), st.integers(0, CAMPAIGNS - 1), contacts),
    st.tuples(st.just("issue"), st.integers(0, CAMPAIGNS - 1), contacts),
    st.tuples(st.just("erase"), contacts),
    st.tuples(st.just("compare")),
)


@pytest.fixture(scope="session")
async def edge_key(authority: RunningAuthority, wire: Wire) -> str:
    """An EDGE key of the installation."""
    request = admin_pb2.CreateApiKeyRequest(role=admin_pb2.ROLE_EDGE)
    secret: str = (await wire.call("CreateApiKey", request, authority.admin_key)).secret
    return secret


@pytest.mark.timeout(1200 if FULL else 120)
@settings(
    max_examples=500 if FULL else 60,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(
    policy=policies,
    initial=st.lists(
        st.one_of(undecided, granted, decisions), min_size=len(CONTACTS), max_size=len(CONTACTS)
    ),
    sequence=st.lists(steps, min_size=12, max_size=30),
)
async def test_the_authority_agrees_with_the_model(
    authority: RunningAuthority,
    wire: Wire,
    edge_key: str,
    policy: Policy,
    initial: list[tuple[Consent | None, Consent | None]],
    sequence: list[Step],
) -> None:
    """After any sequence of calls, every reported number is that of the model.

    The model keeps all events and computes each number from them.
    """
    keys = await new_keys(wire, authority.admin_key, edge_key, policy)
    await _run(wire, keys, policy, initial, sequence)


async def _run(
    wire: Wire,
    keys: Keys,
    policy: Policy,
    initial: list[tuple[Consent | None, Consent | None]],
    sequence: list[Step],
) -> None:
    """Send a campaign to all contacts, carry out the steps, and compare both."""
    play = Replay(wire, keys, datetime.now(UTC).replace(microsecond=0), Model(policy))
    for name, (opens, clicks) in zip(CONTACTS, initial, strict=True):
        if opens or clicks:
            await play.set_consents(name, opens, clicks, keep=None)
    await play.create_campaign()
    for name in CONTACTS:
        await play.issue(0, name)
    for step in sequence:
        await _carry_out(play, *step)
    await play.compare()


async def _carry_out(play: Replay, kind: object, *details: object) -> None:
    await _KINDS[str(kind)](play, *details)


async def _view(play: Replay, name: str, state: State, keep: bool | None) -> None:  # noqa: FBT001 - drawn
    await play.set_view(name, state, keep=keep)


async def _consents(
    play: Replay,
    name: str,
    decision: tuple[Consent | None, Consent | None],
    keep: bool | None,  # noqa: FBT001 - drawn
) -> None:
    await play.set_consents(name, *decision, keep=keep)


async def _policy(play: Replay, change: tuple[str, object]) -> None:
    await play.update_policy(changed(play.model.policy, *change))


async def _create(play: Replay, ceiling: Mode) -> None:
    if len(play.model.created) < CAMPAIGNS:
        await play.create_campaign(ceiling)


async def _issue(play: Replay, campaign: int, name: str) -> None:
    await play.issue(campaign % len(play.model.created), name)


async def _record(
    play: Replay,
    token: int,
    signal: int,
    hours_ago: int,
    machine: bool,  # noqa: FBT001 - drawn
    gpc: bool,  # noqa: FBT001 - drawn
    is_misused: bool,  # noqa: FBT001 - drawn
) -> None:
    await play.record(token, signal, hours_ago, machine=machine, gpc=gpc, is_misused=is_misused)


_KINDS: dict[str, Callable[..., Awaitable[None]]] = {
    "view": _view,
    "consents": _consents,
    "policy": _policy,
    "create": _create,
    "issue": _issue,
    "record": _record,
    "erase": Replay.erase,
    "compare": Replay.compare,
}
