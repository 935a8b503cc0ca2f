"""Opens, clicks, and the links that an edge redirects to."""

from dataclasses import KW_ONLY, dataclass
from datetime import datetime

from hushpost_client._enums import Verdict
from hushpost_client._errors import ErrorReason

__all__ = [
    "Event",
    "LinkUpdate",
    "RecordedEvents",
    "RejectedEvent",
    "SpoolPublicKey",
    "WatchedLink",
]


@dataclass(frozen=True, slots=True)
class Event:
    """An open or a click to record.

    Attributes:
        token: The token from the URL, 56 characters of base64url.
        link_number: 1…n for a click on that link; None for an open.
        event_time: When it happened, with a time zone; None for now. At most five
            minutes ahead of and 30 days behind the authority's clock.
        verdict: What caused it, as classified by the edge.
        privacy_signal: Whether the browser sent `Sec-GPC: 1` or `DNT: 1`. Such an
            event is never stored as IDENTIFIED.
        repeated: Whether the same client caused the same event shortly before. Such an
            event is not counted if its mode is AGGREGATE.

    Raises:
        ValueError: if `link_number` is 0.
    """

    token: str
    _: KW_ONLY
    link_number: int | None = None
    event_time: datetime | None = None
    verdict: Verdict = Verdict.UNKNOWN
    privacy_signal: bool = False
    repeated: bool = False

    def __post_init__(self) -> None:
        if self.link_number == 0:  # on the wire, 0 would be an open
            raise ValueError("link_number starts at 1; leave it out for an open")


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedEvent:
    """An event of a batch that was rejected; see `Tracking.record_events`.

    Attributes:
        index: Its position in the batch, from 0.
        reason: The error reason to branch on.
        message: A human-readable message; may change between versions.
    """

    index: int
    reason: ErrorReason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvents:
    """The result of `Tracking.record_events`. Events not in `rejected` are committed.

    Attributes:
        accepted_count: How many events were accepted. A call that repeats an
            earlier `request_id` returns the same number and counts nothing twice.
        rejected: The rejected events by ascending index.
    """

    accepted_count: int
    rejected: tuple[RejectedEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolPublicKey:
    """What an edge seals the key of its spool to.

    Attributes:
        key_id: The id of the key in the authority's keyring.
        public_key: The X25519 public key, 32 bytes.
        tenant_numbers: The tenants that the caller's API key is limited to; none for all.
    """

    key_id: int
    public_key: bytes
    tenant_numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedLink:
    """A link of any campaign, as an edge stores it.

    Attributes:
        campaign_number: The campaign: bytes 2 to 9 of the token, big-endian.
        link_number: 1…n in the campaign.
        url: Where to redirect.
    """

    campaign_number: int
    link_number: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkUpdate:
    """A part of the stream of links, in the order of their registration.

    Attributes:
        links: At most 1,000. May be empty.
        cursor: The position after these links. Store it together with them, and
            pass it to `Tracking.watch_links` to continue from here.
        snapshot_complete: Whether the stream has delivered every link that was
            registered before the call.
    """

    links: tuple[WatchedLink, ...]
    cursor: str
    snapshot_complete: bool
