"""The mailing that load is made of: who it went to, and what they did with it."""

import random
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from hushpost.v1 import tracking_pb2 as pb
from hushpost.v1.privacy_pb2 import Verdict

__all__ = ["LINKS", "SEED", "Shape", "batches", "engagement", "event", "request_id"]

SEED = 20_260_801
"""All load is made from it; only tokens and times differ between runs."""

LINKS = [
    f"https://shop.example.com/spring/offer-{number}?utm_source=newsletter"
    for number in range(1, 6)
]
"""All of one length, so that every answer to a click has the same size."""

_OPENED = 0.8
_OPENED_AGAIN = 0.2
_CLICKED = 0.15
_SECONDS = 3600.0
"""Over how long before now the events happened."""

_VERDICTS = (
    Verdict.VERDICT_HUMAN,
    Verdict.VERDICT_PROXY,
    Verdict.VERDICT_PREFETCH,
    Verdict.VERDICT_SCANNER,
)
_VERDICT_WEIGHTS = (55, 75, 92, 100)
"""Cumulated: 55, 20, 17 and 8 percent."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many groups a campaign goes to, and how many messages each gets.

    Campaigns of one `part` go to the same contacts, those of another to others.
    """

    groups: int
    messages: int
    part: int = 0

    def contact_ids(self) -> dict[str, list[str]]:
        """Return the contacts by group; the same for every campaign of the shape."""
        return {
            f"group-{group:02}": [
                f"reader-{self.part:02}-{group:02}-{number:05}@example.com"
                for number in range(self.messages)
            ]
            for group in range(self.groups)
        }

    def opted_out(self, share: float) -> list[str]:
        """Return that share of each group."""
        return [
            contact_id
            for contact_ids in self.contact_ids().values()
            for contact_id in contact_ids[: round(share * len(contact_ids))]
        ]


def engagement(
    tokens: Sequence[str], rng: random.Random, now: float | None = None
) -> list[pb.Event]:
    """Return what recipients did, in random order: four of five open, some again, some click.

    In the hour before `now`, in seconds since 1970; None is now.
    """
    now = time.time() if now is None else now
    signals = []
    for token in tokens:
        if rng.random() < _OPENED:
            signals.append((token, 0))
            if rng.random() < _OPENED_AGAIN:
                signals.append((token, 0))
            if rng.random() < _CLICKED:
                signals.append((token, rng.randint(1, len(LINKS))))
    rng.shuffle(signals)
    return [event(token, signal, rng, now) for token, signal in signals]


def event(token: str, signal: int, rng: random.Random, now: float | None = None) -> pb.Event:
    """Return an open (0) or a click of the last hour, by anybody's doing."""
    before = (time.time() if now is None else now) - rng.random() * _SECONDS
    (verdict,) = rng.choices(_VERDICTS, cum_weights=_VERDICT_WEIGHTS)
    return pb.Event(
        token=token,
        link_number=signal,
        event_time=Timestamp(seconds=int(before), nanos=rng.randrange(10**9)),
        verdict=verdict,
    )


def batches(
    events: Sequence[pb.Event], size: int, rng: random.Random
) -> Iterator[pb.RecordEventsRequest]:
    """Return requests of `size` events; what does not fill one is left out."""
    for end in range(size, len(events) + 1, size):
        yield pb.RecordEventsRequest(events=events[end - size : end], request_id=request_id(rng))


def request_id(rng: random.Random) -> str:
    """Return a UUID."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
