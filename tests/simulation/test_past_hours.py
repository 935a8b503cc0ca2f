"""The generated past hours."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from hushpost_client import Event, Mode
from tests.simulation.past_hours import draw
from tests.simulation.plan import Action, Message, Round

LINKS = 5
IDENTIFIED = (Mode.IDENTIFIED, Mode.IDENTIFIED)
MODES = (
    IDENTIFIED,
    IDENTIFIED,
    (Mode.IDENTIFIED, Mode.ANONYMOUS),
    (Mode.ANONYMOUS, Mode.ANONYMOUS),
    (Mode.OFF, Mode.OFF),
)
MESSAGES = tuple(
    Message(
        number,
        f"c{number}",
        ("press", "customers")[number % 2],
        MODES[number % len(MODES)],
        f"token-{number}",
        f"click-token-{number}",
        f"preference-{number}",
    )
    for number in range(80)
)

plans = st.builds(
    lambda seed, seconds: _plan(seed, datetime(2025, 3, 21, tzinfo=UTC) + seconds),
    st.integers(),
    st.timedeltas(timedelta(0), timedelta(days=1)),
)


def _plan(seed: int, now: datetime) -> tuple[datetime, tuple[Round, ...]]:
    may_leave = [message for message in MESSAGES if message.modes == IDENTIFIED]
    return now, draw(MESSAGES, may_leave, LINKS, now, random.Random(seed))  # noqa: S311


@settings(max_examples=30)
@given(plans)
def test_rounds_are_hours_in_order(plan: tuple[datetime, tuple[Round, ...]]) -> None:
    """Each round is one hour; rounds are in chronological order, none in the future."""
    now, rounds = plan
    hours = [
        {action.time.replace(minute=0, second=0, microsecond=0) for action in _actions(current)}
        for current in rounds
    ]
    assert all(len(hour) == 1 for hour in hours)
    assert [hour.pop() for hour in hours] == sorted(
        {
            action.time.replace(minute=0, second=0, microsecond=0)
            for r in rounds
            for action in _actions(r)
        }
    )
    assert all(action.time <= now for current in rounds for action in _actions(current))


@settings(max_examples=30)
@given(plans)
def test_events_surround_each_opt_out(
    plan: tuple[datetime, tuple[Round, ...]],
) -> None:
    """Contacts act before, during and after their opt-out, without privacy signal during it."""
    _, rounds = plan
    leavers = [
        (place, opt_out.message.number)
        for place, current in enumerate(rounds)
        for opt_out in current.opt_outs
    ]
    assert len({number for _, number in leavers}) == len(leavers) > 0
    for place, number in leavers:
        active = [
            any(action.message.number == number for action in _actions(current))
            for current in rounds
        ]
        assert any(active[:place])
        assert active[place]
        assert any(active[place + 1 :])
        assert not any(
            action.privacy_signal
            for action in _actions(rounds[place])
            if action.message.number == number
        )


@settings(max_examples=30)
@given(plans)
def test_calls_contain_their_actions_and_rejected_events(
    plan: tuple[datetime, tuple[Round, ...]],
) -> None:
    """Every event of a call either counts or is listed as rejected."""
    _, rounds = plan
    for current in rounds:
        for call in current.calls:
            good = [e for index, e in enumerate(call.events) if index not in call.refused]
            assert good == [action.event for action in call.actions]
            assert call.is_batch or (len(call.events) == 1 and not call.refused)


@settings(max_examples=30)
@given(plans)
def test_repeats_are_calls_of_the_previous_round(
    plan: tuple[datetime, tuple[Round, ...]],
) -> None:
    """A repeated call has the request_id of its first call, and no other call has it."""
    _, rounds = plan
    request_ids = [call.request_id for current in rounds for call in current.calls]
    assert len(set(request_ids)) == len(request_ids)
    for before, current in pairwise(rounds):
        assert set(map(id, current.repeats)) <= set(map(id, before.calls))


def test_off_messages_have_no_events() -> None:
    """OFF messages have neither pixel nor tracked links."""
    _, rounds = _plan(1, datetime(2025, 3, 21, 12, 30, tzinfo=UTC))
    tokens = {event.token for r in rounds for call in r.calls for event in call.events}
    assert not {"token-4", "click-token-4"} & tokens


def test_a_seed_is_reproducible() -> None:
    """Behaviour depends on the seed only; request ids are new."""
    now = datetime(2025, 3, 21, 12, 30, tzinfo=UTC)
    first, again = _plan(7, now)[1], _plan(7, now)[1]
    assert [_events(current) for current in first] == [_events(current) for current in again]
    assert first[0].calls[0].request_id != again[0].calls[0].request_id


def _actions(current: Round) -> list[Action]:
    return [action for call in current.calls for action in call.actions]


def _events(current: Round) -> list[Event]:
    return [event for call in current.calls for event in call.events]
