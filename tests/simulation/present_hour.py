"""Generates the visits to the edge in the present hour, and the opt-outs. Pure."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from hushpost_client import Verdict
from tests.simulation.plan import Fetch, Message, OptOut, Step, Visit
from tests.simulation.visitors import (
    APPLE,
    BROWSER_AHEAD,
    CRAWLER,
    GATEWAY,
    GMAIL,
    GMAIL_AHEAD,
    PEOPLE,
    SANDBOX,
    SMALL_PROGRAM,
    Visitor,
)

__all__ = ["LEAVING", "draw_steps"]

LEAVING = 8
_STEPS = 3
_LEAVE_IN = 1
_READS, _CLICKS, _SIGNALS = 0.15, 0.5, 0.12
_ODD = 3
_STRANGER = "2001:db8:ffff::1"

# By visitor: the share of messages, and whether it follows links.
_MACHINES = (
    (APPLE, 0.20, False),
    (GMAIL_AHEAD, 0.08, False),
    (CRAWLER, 0.02, False),
    (GATEWAY, 0.05, True),
    (SANDBOX, 0.05, True),
)
_SIGNS = ({"Sec-GPC": "1"}, {"DNT": "1"})


def draw_steps(
    messages: Sequence[Message], leaving: Sequence[Message], rng: random.Random
) -> tuple[Step, ...]:
    """Generate the visits of the present hour; the contacts of `leaving` opt out."""
    leavers = {message.number for message in leaving}
    tracked = [message for message in messages if message.is_tracked]
    visits: list[list[Visit]] = [[] for _ in range(_STEPS)]
    for message in tracked:
        visits[0].extend(_by_machines(message, rng))
        is_leaver = message.number in leavers
        for step in visits:
            if is_leaver or rng.random() < _READS:
                step.extend(_by_person(message, rng, is_leaver=is_leaver))
    odd = [_odd(rng.choice(tracked), rng) for _ in range(_ODD)] if tracked else []
    visits[0].extend(odd)
    opt_outs = tuple(
        OptOut(message, by_token=message.number % 2 == 0, of_clicks_only=message.number % 3 == 0)
        for message in leaving
    )
    return tuple(
        Step(
            visits=tuple(rng.sample(step, len(step))),
            opt_outs=opt_outs if number == _LEAVE_IN else (),
        )
        for number, step in enumerate(visits)
    )


def _by_machines(message: Message, rng: random.Random) -> Iterator[Visit]:
    for visitor, share, follows in _MACHINES:
        if rng.random() < share:
            places = range(len(message.links)) if follows else range(0)
            yield _visit(message, visitor, [None, *places])


def _by_person(message: Message, rng: random.Random, *, is_leaver: bool) -> Iterator[Visit]:
    """Generate a reader: opens, and follows at most one link, sometimes twice."""
    signs = {} if is_leaver or rng.random() >= _SIGNALS else rng.choice(_SIGNS)
    place = rng.randrange(len(message.links))
    clicks = [place] * rng.choice((1, 1, 1, 2)) if is_leaver or rng.random() < _CLICKS else []
    kind = 1.0 if is_leaver else rng.random()
    if kind < 0.25:
        # A Gmail reader: the image comes through the proxy, clicks do not.
        yield _visit(message, GMAIL, [None])
        if clicks:
            yield _visit(message, rng.choice(PEOPLE), clicks, signs)
    elif kind < 0.35:
        yield _visit(message, SMALL_PROGRAM, [None, *clicks], signs)
    elif kind < 0.40:
        yield _visit(message, BROWSER_AHEAD, [place])
    else:
        yield _visit(message, rng.choice(PEOPLE), [None, *clicks], signs)


def _visit(
    message: Message,
    visitor: Visitor,
    places: Sequence[int | None],
    signs: dict[str, str] | None = None,
) -> Visit:
    """Return a visit; None means the pixel, a number the position of a link."""
    return Visit(
        message,
        visitor.name,
        {
            "User-Agent": visitor.agent,
            # A network of its own for each recipient.
            "X-Forwarded-For": visitor.address or f"2001:db8:{message.number:x}::1",
            **visitor.headers,
            **(signs or {}),
        },
        bool(signs),
        tuple(_fetch(message, visitor, place) for place in places),
    )


def _fetch(message: Message, visitor: Visitor, place: int | None) -> Fetch:
    if place is None:
        verdict = visitor.opens
        if visitor is SANDBOX and message.token != message.click_token:
            # The edge cannot know that the pixel belongs to the message of the clicks.
            verdict = Verdict.HUMAN
        return Fetch(_path(message.pixel), 200, None, 0, verdict)
    link = message.links[place]
    return Fetch(_path(link.url), 302, link.destination, link.number, visitor.clicks)


def _odd(message: Message, rng: random.Random) -> Visit:
    """Return requests that do not count as events."""
    link = rng.choice(message.links)
    path = _path(link.url)
    token = message.click_token
    damaged = path.replace(token, token[:-1] + _other(token[-1]))
    visit = _visit(message, PEOPLE[0], [])
    return replace(
        visit,
        who="the odd rest",
        headers={**visit.headers, "X-Forwarded-For": _STRANGER},
        fetches=(
            Fetch(damaged, 302, link.destination, None, is_refused=True),
            Fetch(path, 302, link.destination, None, method="HEAD"),
            Fetch("/o/nonsense.gif", 200, None, None),
            Fetch(f"{path}999", 404, None, None),
        ),
    )


def _other(character: str) -> str:
    return "A" if character != "A" else "B"


def _path(url: str) -> str:
    return urlsplit(url).path
