"""The words of the interface: one enum per enum of the protos, same names.

`UNSPECIFIED` stands in each: where a call takes it, the docstring says what it
means; in an answer it is a value that this version does not know.
"""

from enum import StrEnum

__all__ = [
    "DoNotTrack",
    "Engagement",
    "History",
    "IssueWarning",
    "Mode",
    "PreferenceSource",
    "Proof",
    "Role",
    "Verdict",
]


class DoNotTrack(StrEnum):
    """A contact's preference. Three states: nobody asked, may be tracked, may not."""

    UNSPECIFIED = "UNSPECIFIED"
    """In a batch: leave the preference as it is and make the contact known."""
    UNSET = "UNSET"
    """The contact has not chosen. Contacts never heard of are UNSET."""
    FALSE = "FALSE"
    """The contact agreed to individual tracking."""
    TRUE = "TRUE"
    """The contact must not be tracked as a person."""


class Mode(StrEnum):
    """How much an event leaves behind, from most to least."""

    UNSPECIFIED = "UNSPECIFIED"
    IDENTIFIED = "IDENTIFIED"
    """An event leaves a row that names the contact."""
    ANONYMOUS = "ANONYMOUS"
    """Counted for the group; people are told apart without being known."""
    AGGREGATE = "AGGREGATE"
    """Counted for the group, in totals only."""
    OFF = "OFF"
    """No pixel and no rewritten links; nothing is left behind."""


class History(StrEnum):
    """What becomes of the events that named a contact before it opted out."""

    UNSPECIFIED = "UNSPECIFIED"
    """The tenant's policy decides."""
    ANONYMIZE = "ANONYMIZE"
    """They are folded into the anonymous counters and deleted."""
    KEEP = "KEEP"
    """They stay, tied to no later event."""


class Verdict(StrEnum):
    """Who or what caused an event, as the edge judged it."""

    UNSPECIFIED = "UNSPECIFIED"
    """Taken as UNKNOWN."""
    HUMAN = "HUMAN"
    PROXY = "PROXY"
    """An image proxy that fetches when its reader reads. Counts as human."""
    PREFETCH = "PREFETCH"
    """Fetched whether read or not. Counts as machine."""
    SCANNER = "SCANNER"
    """Security gateways and bots. Counts as machine."""
    UNKNOWN = "UNKNOWN"
    """Nothing spoke against a person. Counts as human."""


class PreferenceSource(StrEnum):
    """How a preference came about."""

    UNSPECIFIED = "UNSPECIFIED"
    """Taken as SENDER, or as RECIPIENT with a preference token."""
    RECIPIENT = "RECIPIENT"
    SENDER = "SENDER"
    IMPORT = "IMPORT"
    """A cell of an imported file."""
    IMPORT_EMPTY_CELL = "IMPORT_EMPTY_CELL"
    """An empty cell of an imported file: FALSE by convention, no proof."""


class Proof(StrEnum):
    """What an erasure does with the contact's entries in the change log."""

    UNSPECIFIED = "UNSPECIFIED"
    """Taken as DELETE."""
    DELETE = "DELETE"
    PSEUDONYMIZE = "PSEUDONYMIZE"
    """The entries stay; a digest whose salt is thrown away replaces the id."""


class Role(StrEnum):
    """What an API key may do."""

    UNSPECIFIED = "UNSPECIFIED"
    SENDER = "SENDER"
    """Campaigns, tokens and preferences of one tenant."""
    EDGE = "EDGE"
    """Record events, resolve and watch links, preferences by token."""
    REPORTER = "REPORTER"
    """Numbers of one tenant."""
    ADMIN = "ADMIN"
    """Tenants, policies and keys: of one tenant, or of the installation."""


class IssueWarning(StrEnum):
    """Something the sender should know about the tokens."""

    UNSPECIFIED = "UNSPECIFIED"
    FEW_ANONYMOUS = "FEW_ANONYMOUS"
    """The group has anonymous messages, but fewer than the quorum."""


class Engagement(StrEnum):
    """What a contact must have done to be listed."""

    UNSPECIFIED = "UNSPECIFIED"
    """Taken as ANY."""
    ANY = "ANY"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
