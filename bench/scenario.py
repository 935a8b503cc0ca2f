"""Synthetic mailings and the opens and clicks of their recipients."""

import random
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from hushpost.v1 import tracking_pb2 as pb
from hushpost.v1.privacy_pb2 import Verdict

__all__ = ["LINKS", "SEED", "MailingShape", "batches", "engagement", "event", "request_id"]

SEED = 20_260_801
"""Seeds all load, so that only tokens and times differ between runs."""

LINKS = [
    f"https://shop.example.com/spring/offer-{number}?utm_source=newsletter"
    for number in range(1, 6)
]
"""Destinations of equal length, so that all responses to clicks have the same size."""

_OPEN_SHARE = 0.8
_SECOND_OPEN_SHARE = 0.2
_CLICK_SHARE = 0.15
_SECONDS = 3600.0
"""Events are spread over the last hour."""

_VERDICTS = (
    Verdict.VERDICT_HUMAN,
    Verdict.VERDICT_PROXY,
    Verdict.VERDICT_PREFETCH,
    Verdict.VERDICT_SCANNER,
)
_CUMULATIVE_VERDICT_WEIGHTS = (55, 75, 92, 100)
"""55, 20, 17 and 8 percent."""


@dataclass(frozen=True, slots=True)
class MailingShape:
    """Number of groups, and of messages per group.

    Campaigns with the same `part` go to the same contacts, other parts to other contacts.
    """

    groups: int
    messages: int
    part: int = 0

    @property
    def total_messages(self) -> int:
        """Number of messages in all groups."""
        return self.groups * self.messages

    def contact_ids(self) -> dict[str, list[str]]:
        """Return the contacts by group."""
        return {
            f"group-{group:02}": [
                f"reader-{self.part:02}-{group:02}-{number:05}@example.com"
                for number in range(self.messages)
            ]
            for group in range(self.groups)
        }

    def opted_out(self, share: float) -> list[str]:
        """Return that share of the contacts of each group."""
        return [
            contact_id
            for contact_ids in self.contact_ids().values()
            for contact_id in contact_ids[: round(share * len(contact_ids))]
        ]


def engagement(
    tokens: Sequence[str], rng: random.Random, now: float | None = None
) -> list[pb.Event]:
    """Return opens and clicks in random order, from the hour before `now`.

    80% of the recipients open, some of them twice, and 15% of those click. `now` is a
    Unix timestamp and defaults to the current time.
    """
    now = time.time() if now is None else now
    signals = []
    for token in tokens:
        if rng.random() < _OPEN_SHARE:
            signals.append((token, 0))
            if rng.random() < _SECOND_OPEN_SHARE:
                signals.append((token, 0))
            if rng.random() < _CLICK_SHARE:
                signals.append((token, rng.randint(1, len(LINKS))))
    rng.shuffle(signals)
    return [event(token, signal, rng, now) for token, signal in signals]


def event(token: str, signal: int, rng: random.Random, now: float | None = None) -> pb.Event:
    """Return an open (`signal` 0) or a click on a link, with a random time and verdict."""
    event_time = (time.time() if now is None else now) - rng.random() * _SECONDS
    (verdict,) = rng.choices(_VERDICTS, cum_weights=_CUMULATIVE_VERDICT_WEIGHTS)
    return pb.Event(
        token=token,
        link_number=signal,
        event_time=Timestamp(seconds=int(event_time), nanos=rng.randrange(10**9)),
        verdict=verdict,
    )


def batches(
    events: Sequence[pb.Event], size: int, rng: random.Random
) -> Iterator[pb.RecordEventsRequest]:
    """Yield requests of `size` events each; a remainder that does not fill one is dropped."""
    for end in range(size, len(events) + 1, size):
        yield pb.RecordEventsRequest(events=events[end - size : end], request_id=request_id(rng))


def request_id(rng: random.Random) -> str:
    """Return a random UUID, the idempotency key of a write."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
