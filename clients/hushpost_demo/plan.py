"""What the demo will send, round by round. Pure data."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hushpost_client import ErrorReason, Event, Mode, Verdict

__all__ = ["Action", "Call", "Message", "OptOut", "Round"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the campaign, as its tokens were issued."""

    number: int
    contact_id: str
    group: str
    mode: Mode
    token: str
    preference_token: str


class Action(NamedTuple):
    """Somebody, or something, opens a message (link 0) or clicks link n of it."""

    message: Message
    link: int
    time: datetime
    verdict: Verdict
    privacy_signal: bool

    @property
    def event(self) -> Event:
        """What an edge sends."""
        return Event(self.message.token, self.link, self.time, self.verdict, self.privacy_signal)


@dataclass(frozen=True, slots=True)
class Call:
    """One RPC of an edge.

    Attributes:
        request_id: The same for every time that it is sent.
        actions: What counts of it, once.
        events: What is sent: the actions, and in batches some that are refused.
        refused: By index in `events`, why.
        is_batch: Whether it is RecordEvents, or RecordOpen or RecordClick.
        times: How many times it is sent, at the same time.
    """

    request_id: UUID
    actions: tuple[Action, ...]
    events: tuple[Event, ...]
    refused: dict[int, ErrorReason]
    is_batch: bool
    times: int


@dataclass(frozen=True, slots=True)
class OptOut:
    """A recipient opts out: by the token of its preference page, or through the sender."""

    message: Message
    by_token: bool


@dataclass(frozen=True, slots=True)
class Round:
    """What happens in one hour; all of it is sent at the same time.

    A round's actions are in its hour, and rounds follow each other: so it is
    certain in which hour a message's first recorded event is. For the same
    reason the events of those who opt out carry no privacy signal in that round;
    whether each comes before or after then makes no difference in the end.

    Attributes:
        calls: New calls.
        repeats: Calls of the round before, sent again: they must count for nothing.
        opt_outs: Who opts out while these are under way.
    """

    calls: tuple[Call, ...]
    repeats: tuple[Call, ...]
    opt_outs: tuple[OptOut, ...]
