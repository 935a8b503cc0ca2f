"""The plan of a simulated campaign: rounds of gRPC calls and steps of HTTP visits. Pure data."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hushpost_client import ErrorReason, Event, Mode, Verdict

__all__ = [
    "Action",
    "Call",
    "Fetch",
    "Link",
    "Message",
    "Modes",
    "OptOut",
    "Round",
    "Step",
    "Visit",
]

Modes = tuple[Mode, Mode]
"""The modes of a message's opens and clicks."""


class Link(NamedTuple):
    """A tracked link in a mail.

    Attributes:
        number: Of the link in the campaign.
        url: The URL in the mail.
        destination: The original URL.
    """

    number: int
    url: str
    destination: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the campaign, as read from its mail.

    Attributes:
        number: Its place among all, from 0.
        contact_id: Whose it is.
        group: The group it was sent to.
        modes: The modes that its tokens were issued with.
        token: From the pixel; empty if OFF.
        click_token: From the links; empty if OFF.
        preference_token: From the preference link.
        pixel: URL of the pixel; empty if OFF.
        links: Those that a reader sees, in HTML and text, in their order.
    """

    number: int
    contact_id: str
    group: str
    modes: Modes
    token: str
    click_token: str
    preference_token: str
    pixel: str = ""
    links: tuple[Link, ...] = ()

    @property
    def is_tracked(self) -> bool:
        """Whether it has a pixel and tracked links."""
        return Mode.OFF not in self.modes


class Action(NamedTuple):
    """An open (link 0) or a click (link n) of a message.

    `client` is the address and the user agent by which the edge detects repeats; None if it
    does not.
    """

    message: Message
    link: int
    time: datetime
    verdict: Verdict
    privacy_signal: bool
    client: tuple[str, str] | None = None

    @property
    def event(self) -> Event:
        """The event that an edge sends."""
        return Event(
            self.message.click_token if self.link else self.message.token,
            link_number=self.link or None,
            event_time=self.time,
            verdict=self.verdict,
            privacy_signal=self.privacy_signal,
        )


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
    """An opt-out by preference token, or through the sender; of clicks only, or of all."""

    message: Message
    by_token: bool
    of_clicks_only: bool


@dataclass(frozen=True, slots=True)
class Round:
    """The calls of one past hour, which are sent concurrently.

    A round's actions are in its hour, and rounds follow each other: so it is
    certain in which hour a message's first recorded event is. Opt-outs follow
    their round's calls: what was identified before counts apart from what was
    never.

    Attributes:
        calls: New calls.
        repeats: Calls of the round before, sent again: they must count for nothing.
        opt_outs: Who opts out after these.
    """

    calls: tuple[Call, ...]
    repeats: tuple[Call, ...]
    opt_outs: tuple[OptOut, ...]


class Fetch(NamedTuple):
    """One HTTP request and its expected response.

    Attributes:
        path: What is asked for.
        status: Of the answer.
        location: Where it redirects to; None if it does not.
        link: The link that the event counts for, 0 an open; None if nothing counts.
        verdict: What the edge must find.
        method: Of the request.
        is_refused: Whether the authority will refuse the event that the edge makes of it.
    """

    path: str
    status: int
    location: str | None
    link: int | None
    verdict: Verdict = Verdict.UNKNOWN
    method: str = "GET"
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """Consecutive requests of one visitor for one message."""

    message: Message
    who: str
    headers: dict[str, str]
    privacy_signal: bool
    fetches: tuple[Fetch, ...]

    def actions(self, time: datetime) -> list[Action]:
        """Return the events that count, if the visit happens now."""
        client = self.headers["X-Forwarded-For"], self.headers["User-Agent"]
        return [
            Action(
                self.message,
                fetch.link,
                time,
                fetch.verdict,
                self.privacy_signal,
                client if fetch.verdict in (Verdict.HUMAN, Verdict.UNKNOWN) else None,
            )
            for fetch in self.fetches
            if fetch.link is not None
        ]


@dataclass(frozen=True, slots=True)
class Step:
    """Concurrent visits to the edge, followed by a pause.

    In one step nobody but a machine clicks two links of a message: people take
    a while.

    Attributes:
        visits: Who comes.
        opt_outs: Who opts out once the authority has what came of that.
    """

    visits: tuple[Visit, ...]
    opt_outs: tuple[OptOut, ...]
