"""The enums of the interface, with the members' names from `hushpost.v1`.

The protos' `*_UNSPECIFIED` values have no member: where a value may be absent, or
comes from a newer authority and is unknown to this version, it is None.
"""

from enum import StrEnum

__all__ = [
    "Consent",
    "DoNotTrack",
    "Engagement",
    "History",
    "Mode",
    "PreferenceSource",
    "Proof",
    "Release",
    "Role",
    "StatsView",
    "Verdict",
]


class Consent(StrEnum):
    """What a contact decided about one purpose of individual tracking."""

    UNKNOWN = "UNKNOWN"
    """The contact has not decided. Contacts that the authority does not know are UNKNOWN."""
    GRANTED = "GRANTED"
    """The contact agreed."""
    DENIED = "DENIED"
    """The contact refused."""
    WITHDRAWN = "WITHDRAWN"
    """The contact agreed before, and refused later."""


class DoNotTrack(StrEnum):
    """A contact's tracking preference: the stricter of the consents to opens and to clicks."""

    UNSET = "UNSET"
    """The contact has not decided. Contacts that the authority does not know are UNSET."""
    FALSE = "FALSE"
    """The contact agreed to individual tracking."""
    TRUE = "TRUE"
    """The contact declined individual tracking."""


class Mode(StrEnum):
    """How an event is stored, from the most to the least revealing."""

    IDENTIFIED = "IDENTIFIED"
    """As a row that names the contact."""
    ANONYMOUS = "ANONYMOUS"
    """As a count of the group; repeats of one message are recognized without its contact."""
    AGGREGATE = "AGGREGATE"
    """As a count of the group; all its messages share one token."""
    OFF = "OFF"
    """Not at all: the message has no pixel and no rewritten links."""


class History(StrEnum):
    """What an opt-out does with the contact's earlier identified events."""

    ANONYMIZE = "ANONYMIZE"
    """Add them to the anonymous counts and delete the rows."""
    KEEP = "KEEP"
    """Keep the rows; later events cannot be linked to them."""


class Verdict(StrEnum):
    """What caused an event, as classified by the edge."""

    HUMAN = "HUMAN"
    """A person."""
    PROXY = "PROXY"
    """An image proxy that fetches when the recipient reads. Counts as human."""
    PREFETCH = "PREFETCH"
    """A fetch that happens whether the mail is read or not. Counts as machine."""
    SCANNER = "SCANNER"
    """A security gateway or bot. Counts as machine."""
    UNKNOWN = "UNKNOWN"
    """No evidence of automation. Counts as human."""


class PreferenceSource(StrEnum):
    """Where a preference came from."""

    RECIPIENT = "RECIPIENT"
    """The recipient, with a preference token: on the preference page or by one-click unsubscribe."""
    SENDER = "SENDER"
    """The sender's system, also for consent given on the sender's form or in person."""
    IMPORT = "IMPORT"
    """A cell of an imported file."""
    IMPORT_EMPTY_CELL = "IMPORT_EMPTY_CELL"
    """An empty cell of an imported file: FALSE by convention, no proof of consent."""


class Proof(StrEnum):
    """What an erasure does with the contact's entries in the change log."""

    DELETE = "DELETE"
    """Delete them."""
    PSEUDONYMIZE = "PSEUDONYMIZE"
    """Keep them; a salted digest replaces the contact id, and the salt is discarded."""


class Release(StrEnum):
    """How the anonymous counts of a campaign are released."""

    NOISY = "NOISY"
    """With differential privacy, on a schedule."""
    EXACT = "EXACT"
    """Exact and live, without any protection. Only where the operator allows it."""


class Role(StrEnum):
    """What an API key may do."""

    SENDER = "SENDER"
    """Manage campaigns, tokens and preferences of one tenant."""
    EDGE = "EDGE"
    """Record events, resolve and watch links, set preferences by token; for all or some tenants."""
    REPORTER = "REPORTER"
    """Read the statistics of one tenant."""
    ADMIN = "ADMIN"
    """Manage tenants, policies and keys: of one tenant, or of the whole installation."""


class StatsView(StrEnum):
    """Which parts of a campaign's statistics to read."""

    SUMMARY = "SUMMARY"
    """The campaign's totals, without groups, links and hours."""
    HOURLY = "HOURLY"
    """Totals and hours."""
    FULL = "FULL"
    """Everything."""


class Engagement(StrEnum):
    """Which contacts to list."""

    ANY = "ANY"
    """Contacts that opened or clicked."""
    OPENED = "OPENED"
    """Contacts that opened."""
    CLICKED = "CLICKED"
    """Contacts that clicked."""
