"""Generates the past hours: events, and the calls that an edge sends. Pure."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from hushpost_client import ErrorReason, Event
from tests.simulation.plan import Action, Call, Message, OptOut, Round
from tests.simulation.reader_habits import ROUNDS, Deed, deeds, deeds_around_opt_out

__all__ = ["draw"]

_HOUR = timedelta(hours=1)
_LEAVING = 14
_BATCHED, _TWICE, _WITH_BAD, _REPEATED = 0.7, 0.12, 0.3, 0.08


def draw(
    messages: Sequence[Message],
    may_leave: Sequence[Message],
    links: int,
    now: datetime,
    rng: random.Random,
) -> tuple[Round, ...]:
    """Generate the events of past hours in chronological order.

    `may_leave` are those of which some opt out on the way: none twice.
    """
    leaving = {
        message.number: 2 + place % (ROUNDS - 3)
        for place, message in enumerate(rng.sample(may_leave, min(_LEAVING, len(may_leave))))
    }
    actions: dict[int, list[Action]] = defaultdict(list)
    for message in messages:
        if message.is_tracked:
            for deed in _deeds(message, leaving.get(message.number), links, rng):
                actions[deed.round].append(_action(message, deed, now, rng))
    rounds: list[Round] = []
    for number in sorted(actions):
        before = rounds[-1].calls if rounds else ()
        opt_outs = [m for m in messages if leaving.get(m.number) == number]
        rounds.append(
            Round(
                calls=tuple(_calls(actions[number], messages, links, now, rng)),
                repeats=tuple(call for call in before if rng.random() < _REPEATED),
                opt_outs=tuple(
                    OptOut(m, by_token=m.number % 2 == 0, of_clicks_only=m.number % 3 == 0)
                    for m in opt_outs
                ),
            )
        )
    return tuple(rounds)


def _deeds(message: Message, leaves: int | None, links: int, rng: random.Random) -> Iterable[Deed]:
    drawn = list(deeds(message.group, links, rng))
    if leaves is None:
        return drawn
    if leaves == 2:
        # The only event of its hour: after the opt-out, that hour must not be visible.
        drawn.append(Deed(-2, 0))
    drawn.extend(deeds_around_opt_out(leaves, links, rng))
    return [d._replace(privacy_signal=False) if d.round == leaves else d for d in drawn]


def _action(message: Message, deed: Deed, now: datetime, rng: random.Random) -> Action:
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    time = this_hour - (ROUNDS - deed.round - rng.random()) * _HOUR
    return Action(message, deed.link, time, deed.verdict, deed.privacy_signal)


def _calls(
    actions: list[Action],
    messages: Sequence[Message],
    links: int,
    now: datetime,
    rng: random.Random,
) -> Iterable[Call]:
    """Distribute actions over single calls and batches."""
    rng.shuffle(actions)
    split = int(len(actions) * (1 - _BATCHED))
    for action in actions[:split]:
        yield _call([action], {}, rng, is_batch=False)
    while split < len(actions):
        end = split + rng.randint(20, 80)
        bad = {}
        if rng.random() < _WITH_BAD:
            bad = dict(rng.sample(_bad_events(rng.choice(messages), links, now), k=3))
        yield _call(actions[split:end], bad, rng, is_batch=True)
        split = end


def _call(
    actions: Sequence[Action],
    bad: dict[Event, ErrorReason],
    rng: random.Random,
    *,
    is_batch: bool,
) -> Call:
    events = [action.event for action in actions]
    for event in bad:
        events.insert(rng.randint(0, len(events)), event)
    return Call(
        # Not from the seed: the authority would recognise it from the previous run.
        request_id=uuid4(),
        actions=tuple(actions),
        events=tuple(events),
        refused={index: bad[event] for index, event in enumerate(events) if event in bad},
        is_batch=is_batch,
        times=2 if rng.random() < _TWICE else 1,
    )


def _bad_events(message: Message, links: int, now: datetime) -> list[tuple[Event, ErrorReason]]:
    """Return events that are rejected, with the reasons."""
    token = message.token
    damaged = token[:-1] + ("A" if token[-1] != "A" else "B")
    return [
        (Event("not-a-token"), ErrorReason.TOKEN_INVALID),
        (Event(damaged), ErrorReason.TOKEN_INVALID),
        (Event(message.preference_token), ErrorReason.TOKEN_INVALID),
        (Event(token, link_number=links + 1), ErrorReason.LINK_NOT_FOUND),
        (Event(token, event_time=now + _HOUR), ErrorReason.EVENT_TIME_IN_FUTURE),
        (Event(token, event_time=now - timedelta(days=31)), ErrorReason.EVENT_TIME_TOO_OLD),
    ]
