"""What an edge records and what it is answered."""

from dataclasses import dataclass
from datetime import datetime

from hushpost_client._errors import ErrorReason
from hushpost_client._words import Verdict

__all__ = ["Event", "LinkUpdate", "RecordedEvents", "RejectedEvent", "WatchedLink"]


@dataclass(frozen=True, slots=True)
class Event:
    """An open or a click to record.

    Attributes:
        token: From the URL: 56 characters of base64url.
        link_number: 0 for an open, n for a click on link n.
        event_time: When it happened, aware; None for now. At most five minutes
            ahead of and 30 days behind the authority's clock.
        verdict: Who caused it, as the edge judged it.
        privacy_signal: Whether the browser sent `Sec-GPC: 1` or `DNT: 1`.
    """

    token: str
    link_number: int = 0
    event_time: datetime | None = None
    verdict: Verdict = Verdict.UNKNOWN
    privacy_signal: bool = False


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """An event of a batch that was refused. Sending it again will not help.

    Attributes:
        index: Its place in the batch, from 0.
        reason: What to branch on.
        message: The same for people.
    """

    index: int
    reason: ErrorReason
    message: str


@dataclass(frozen=True, slots=True)
class RecordedEvents:
    """What became of a batch. All that is not in `rejected` is committed.

    Attributes:
        accepted_count: How many events were accepted; the same for a repeated
            call, although nothing counts twice.
        rejected: By ascending index.
    """

    accepted_count: int
    rejected: tuple[RejectedEvent, ...]


@dataclass(frozen=True, slots=True)
class WatchedLink:
    """A link as an edge keeps it.

    Attributes:
        campaign_number: Bytes 2 to 9 of the token, big-endian.
        link_number: 1…n in the campaign.
        url: Where to redirect.
    """

    campaign_number: int
    link_number: int
    url: str


@dataclass(frozen=True, slots=True)
class LinkUpdate:
    """Some links, in the order in which they were registered.

    Attributes:
        links: At most 1,000. May be empty.
        cursor: Where this update ends: keep it together with the links.
        snapshot_complete: Whether everything registered before the call has
            been answered by now.
    """

    links: tuple[WatchedLink, ...]
    cursor: str
    snapshot_complete: bool
