"""The steps of a plan: what callers may do."""

from dataclasses import dataclass
from uuid import UUID

__all__ = [
    "CAMPAIGNS",
    "CONTACTS",
    "ERASED",
    "FALSE",
    "LINKS",
    "TRUE",
    "UNSET",
    "BatchPreferences",
    "Erase",
    "Mail",
    "PlannedEvent",
    "Policy",
    "Read",
    "Record",
    "SetPreference",
    "Step",
    "Visit",
]

LINKS = ("https://shop.example.com/sale", "https://shop.example.com/imprint?a=1&b=%20")
CONTACTS = tuple(f"reader-{number}" for number in range(36))
ERASED = tuple(f"leaver-{number}" for number in range(4))
CAMPAIGNS = ("winter", "spring")
"""Campaigns that are sent to everyone before the faults begin."""

UNSET, FALSE, TRUE = 1, 2, 3
"""Values of DoNotTrack, numbered as on the wire."""


@dataclass(frozen=True)
class PlannedEvent:
    """An open (link 0) or a click on a message of a contact."""

    campaign: str
    contact: str
    link: int
    machine: bool = False
    privacy_signal: bool = False


@dataclass(frozen=True)
class Record:
    """Calls RecordOpen, RecordClick or, for a batch, RecordEvents.

    Attributes:
        copies: How many times the same request is made at once, at both authorities.
        garbage: Positions in the batch at which an invalid token is inserted.
        request_id: None for a call that cannot be repeated.
        is_repeated: Whether a call without an answer is made again.
    """

    events: tuple[PlannedEvent, ...]
    is_batch: bool
    request_id: UUID | None
    is_repeated: bool
    copies: int
    garbage: tuple[int, ...]


@dataclass(frozen=True)
class Visit:
    """Fetches a pixel or a link from an edge; if there is no answer, from the other one."""

    event: PlannedEvent
    edge: int


@dataclass(frozen=True)
class SetPreference:
    """Calls SetPreference until it is acknowledged."""

    contact: str
    do_not_track: int
    request_id: UUID
    copies: int


@dataclass(frozen=True)
class BatchPreferences:
    """Calls BatchSetPreferences until it is acknowledged."""

    entries: tuple[tuple[str, int], ...]
    request_id: UUID


@dataclass(frozen=True)
class Erase:
    """Calls EraseContact until it is acknowledged."""

    contact: str
    request_id: UUID


@dataclass(frozen=True)
class Policy:
    """Calls UpdatePolicy until it is acknowledged; `mode` is that of UNSET contacts."""

    mode: int
    request_id: UUID


@dataclass(frozen=True)
class Mail:
    """Creates a campaign, and issues tokens to some contacts."""

    campaign: str
    contacts: tuple[str, ...]
    request_ids: tuple[UUID, UUID]
    copies: int


@dataclass(frozen=True)
class Read:
    """Calls ResolveLink and GetCampaignStats."""

    event: PlannedEvent


Step = Record | Visit | SetPreference | BatchPreferences | Erase | Policy | Mail | Read
