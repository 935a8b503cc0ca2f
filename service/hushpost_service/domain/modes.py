"""Policies, preferences of contacts, and modes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from hushpost_service.domain.consent import ByPurpose, Consent, DoNotTrack

__all__ = [
    "ConsentModes",
    "ContactPreference",
    "History",
    "Mode",
    "Modes",
    "Policy",
    "PolicyPeriod",
    "PreferenceGroup",
    "PurposeConsent",
    "Release",
]


class Mode(IntEnum):
    """How much an event reveals; a greater value is stricter.

    Values as in `hushpost.v1.Mode`.
    """

    IDENTIFIED = 1
    ANONYMOUS = 2
    AGGREGATE = 3
    OFF = 4


Modes = ByPurpose[Mode]
"""The modes of a message's opens and clicks."""


class History(IntEnum):
    """What an opt-out does with earlier events. Values as in `hushpost.v1.History`."""

    ANONYMIZE = 1
    KEEP = 2


class Release(IntEnum):
    """How anonymous counts are released. Values as in `hushpost.v1.Release`."""

    NOISY = 1
    EXACT = 2


@dataclass(frozen=True, slots=True)
class ConsentModes:
    """The modes of one purpose by consent. GRANTED is always IDENTIFIED."""

    when_unknown: Mode = Mode.IDENTIFIED
    when_denied: Mode = Mode.ANONYMOUS
    when_withdrawn: Mode = Mode.ANONYMOUS

    def mode(self, consent: Consent) -> Mode:
        """Return the mode of a consent."""
        if consent is Consent.GRANTED:
            return Mode.IDENTIFIED
        if consent is Consent.UNKNOWN:
            return self.when_unknown
        return self.when_denied if consent is Consent.DENIED else self.when_withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings of a tenant: which mode consent maps to, and what is released.

    Attributes:
        anonymization_enabled: Whether contacts can have another mode than IDENTIFIED.
        opens_modes: The modes of opens.
        clicks_modes: The modes of clicks.
        history_when_true: What an opt-out does with earlier events.
        retention_days: The age at which identified events are deleted.
        release: Whether the anonymous counts of new campaigns get noise.
        epsilon: The privacy budget per contact and campaign.
        release_delays: When counts are released, in seconds after the first message.
        max_anonymous_messages: How many ANONYMOUS messages a contact gets in 90 days.
        reask_after_days: How long a contact that refused is not asked again.
        record_last_opens: Whether the date of the last open is kept for contacts whose
            consent to opens is UNKNOWN.
    """

    anonymization_enabled: bool = True
    opens_modes: ConsentModes = ConsentModes()
    clicks_modes: ConsentModes = ConsentModes()
    history_when_true: History = History.ANONYMIZE
    retention_days: int = 365
    release: Release = Release.NOISY
    epsilon: float = 2.0
    release_delays: tuple[int, ...] = (6 * 3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600)
    max_anonymous_messages: int = 26
    reask_after_days: int = 180
    record_last_opens: bool = False

    @property
    def mode_when_true(self) -> Mode:
        """The strictest mode of contacts who decline tracking."""
        both = (self.opens_modes, self.clicks_modes)
        return max(max(modes.when_denied, modes.when_withdrawn) for modes in both)

    @property
    def mode_when_unset(self) -> Mode:
        """The stricter mode of contacts who have not decided."""
        return max(self.opens_modes.when_unknown, self.clicks_modes.when_unknown)

    def modes(self, consents: ByPurpose[Consent]) -> Modes:
        """Return the modes of a contact's consents."""
        if not self.anonymization_enabled:
            return _ALL_IDENTIFIED
        return ByPurpose(
            self.opens_modes.mode(consents.opens), self.clicks_modes.mode(consents.clicks)
        )

    def records_last_open_of(self, consents: ByPurpose[Consent]) -> bool:
        """Return whether opens of contacts with these consents set the date of the last open."""
        return (
            self.record_last_opens
            and consents.opens is Consent.UNKNOWN
            and self.modes(consents).opens in (Mode.ANONYMOUS, Mode.AGGREGATE)
        )

    def is_stricter_than(self, other: "Policy") -> bool:
        """Return whether some consent has a stricter mode here than in `other`."""
        return any(
            mode > before
            for consent in Consent
            for mode, before in zip(
                self.modes(ByPurpose(consent, consent)),
                other.modes(ByPurpose(consent, consent)),
                strict=True,
            )
        )


@dataclass(frozen=True, slots=True)
class PolicyPeriod:
    """A policy, and the time since which it has been in force."""

    valid_from: datetime
    policy: Policy


@dataclass(frozen=True, slots=True)
class PurposeConsent:
    """A contact's consent to one purpose, and the modes that earlier campaigns must keep.

    Attributes:
        consent: The consent.
        since: When it last changed; None if it never did.
        floors: For ANONYMOUS, AGGREGATE and OFF, the last time before a change of the
            contact's preference at which the mode was at least that strict (None: never).
            Campaigns created up to then stay that strict.
    """

    consent: Consent = Consent.UNKNOWN
    since: datetime | None = None
    floors: tuple[datetime | None, datetime | None, datetime | None] = (
        None,
        None,
        None,
    )

    def floor(self, campaign_time: datetime) -> Mode:
        """Return the least strict mode allowed for a campaign created at that time."""
        for mode, until in zip(_FLOOR_MODES, self.floors[::-1], strict=True):
            if until is not None and campaign_time <= until:
                return mode
        return Mode.IDENTIFIED

    def changed(
        self, consent: Consent, spans: Sequence[tuple[Mode, datetime]], now: datetime
    ) -> "PurposeConsent":
        """Return the state after a change of the contact's preference.

        Args:
            consent: The consent from now on.
            spans: Modes since the previous change of the preference, and when each ended.
            now: The time of the change.
        """
        floors = tuple(
            max((end for mode, end in spans if mode >= floor), default=until)
            for floor, until in zip(reversed(_FLOOR_MODES), self.floors, strict=True)
        )
        since = self.since if consent is self.consent else now
        return PurposeConsent(consent, since, (floors[0], floors[1], floors[2]))


@dataclass(frozen=True, slots=True)
class ContactPreference:
    """A contact's consent to both purposes; by default, the contact has not decided."""

    opens: PurposeConsent = PurposeConsent()
    clicks: PurposeConsent = PurposeConsent()

    @property
    def consents(self) -> ByPurpose[Consent]:
        """The consents without their history."""
        return ByPurpose(self.opens.consent, self.clicks.consent)

    @property
    def do_not_track(self) -> DoNotTrack:
        """The simple view: the stricter of both purposes."""
        return DoNotTrack.of(self.consents)

    @property
    def since(self) -> datetime | None:
        """When either consent last changed; None if neither ever did."""
        opens, clicks = self.opens.since, self.clicks.since
        if opens is None or clicks is None:
            return opens or clicks
        return max(opens, clicks)


class PreferenceGroup(NamedTuple):
    """Contacts, by number, that have the same preference."""

    contacts: Sequence[int]
    preference: ContactPreference


_ALL_IDENTIFIED: Modes = ByPurpose(Mode.IDENTIFIED, Mode.IDENTIFIED)
_FLOOR_MODES = (Mode.OFF, Mode.AGGREGATE, Mode.ANONYMOUS)
