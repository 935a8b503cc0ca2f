"""Policies and modes, and the rules that decide the modes of a message. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple, overload

from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.domain.consent import ByPurpose, Consent, DoNotTrack, Purpose

__all__ = [
    "ConsentModes",
    "ContactPreference",
    "History",
    "Mode",
    "ModeRule",
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
        return _latest(self.opens.since, self.clicks.since)


class PreferenceGroup(NamedTuple):
    """Contacts, by number, that have the same preference."""

    contacts: Sequence[int]
    preference: ContactPreference


_ALL_IDENTIFIED: Modes = ByPurpose(Mode.IDENTIFIED, Mode.IDENTIFIED)
_ALL_OFF: Modes = ByPurpose(Mode.OFF, Mode.OFF)
_NO_FLOORS = (None, None, None)
_CACHED_TIMES = 10_000
_FLOOR_MODES = (Mode.OFF, Mode.AGGREGATE, Mode.ANONYMOUS)


class _Strictest(NamedTuple):
    """The strictest modes since a time.

    Attributes:
        by_consents: The modes on one slot, indexed by the numbers of the consents to opens
            and to clicks.
        by_consent: The modes of each purpose alone, indexed by the number of the consent.
        by_issued_mode: The modes of each purpose, indexed by the number of the mode at issue.
    """

    by_consents: tuple[tuple[Modes, ...], ...]
    by_consent: ByPurpose[tuple[Mode, ...]]
    by_issued_mode: ByPurpose[tuple[Mode, ...]]


class ModeRule:
    """Decides the modes of a tenant's messages by the history of its policies.

    The mode of a message never loosens: identified events on an old token would name the
    slot of its earlier anonymous events. So the mode is the strictest that the contact
    has had since the campaign was created.
    """

    def __init__(self, periods: Sequence[PolicyPeriod]) -> None:
        """Take the policies by ascending `valid_from`; the last is in force."""
        self._periods = tuple(periods)
        # Used for every event, with about one time per campaign.
        self._strictest_cache: BoundedCache[datetime, _Strictest] = BoundedCache(_CACHED_TIMES)
        self.policy = periods[-1].policy

    def at_issue(self, contact: ContactPreference, campaign_time: datetime) -> Modes:
        """Return the modes of a message that is issued now.

        If they differ, opens and clicks get tokens of their own, with unrelated slots.
        """
        return ByPurpose(
            self._mode(contact.opens, Purpose.OPENS, campaign_time),
            self._mode(contact.clicks, Purpose.CLICKS, campaign_time),
        )

    def at_event(self, contact: ContactPreference | None, campaign_time: datetime) -> Modes:
        """Return the modes of the events of a message whose token holds a contact.

        Such a message has one slot for the purposes that were IDENTIFIED at issue. While one
        of them still is, its rows name the contact of the slot, so that events of the other
        purpose must not mark the slot: they are AGGREGATE instead of ANONYMOUS.

        `contact` is None if the contact was erased. Its choice is then unknown and must
        not be loosened, so the modes are the strictest of ANONYMOUS and the modes of all
        consents.
        """
        if contact is None:
            strictest = self._strictest(campaign_time).by_consent
            return ByPurpose(*(max(Mode.ANONYMOUS, *of_purpose[1:]) for of_purpose in strictest))
        since = _latest(_latest(contact.opens.since, contact.clicks.since), campaign_time)
        modes = self._strictest(since).by_consents[contact.opens.consent][contact.clicks.consent]
        if _changed_together(contact):
            return modes
        return ByPurpose(*map(max, modes, self.at_issue(contact, campaign_time)))

    def of_contactless(self, issued: Mode, purpose: Purpose, campaign_time: datetime) -> Mode:
        """Return the mode of events of a purpose on a message whose token holds no contact.

        Its consent cannot be looked up. It is one of those that had the mode `issued` at
        some time since the campaign was created; the result is the strictest mode that any
        of these consents has had from that time on.
        """
        return self._strictest(campaign_time).by_issued_mode.of(purpose)[issued]

    def changed(
        self, contact: ContactPreference, consents: ByPurpose[Consent], now: datetime
    ) -> ContactPreference:
        """Return the contact's preference after a change at `now`."""
        spans = [
            (_on_one_slot(period.policy.modes(contact.consents)), end)
            for period, end in self._spans(now)
            if contact.since is None or end > contact.since
        ]
        return ContactPreference(
            _changed(
                contact.opens, consents.opens, [(modes.opens, end) for modes, end in spans], now
            ),
            _changed(
                contact.clicks, consents.clicks, [(modes.clicks, end) for modes, end in spans], now
            ),
        )

    def _mode(self, state: PurposeConsent, purpose: Purpose, campaign_time: datetime) -> Mode:
        """Return the strictest mode of a purpose alone since the campaign was created."""
        since = _latest(state.since, campaign_time)
        mode = self._strictest(since).by_consent.of(purpose)[state.consent]
        return mode if state.floors == _NO_FLOORS else max(mode, state.floor(campaign_time))

    def _strictest(self, since: datetime) -> "_Strictest":
        strictest = self._strictest_cache.get(since)
        if strictest is None:
            strictest = self._strictest_cache[since] = self._strictest_since(since)
        return strictest

    def _strictest_since(self, since: datetime) -> "_Strictest":
        policies = [period.policy for period in self._since(since)]
        pairs = {
            (opens, clicks): [policy.modes(ByPurpose(opens, clicks)) for policy in policies]
            for opens in Consent
            for clicks in Consent
        }
        by_consents = tuple(
            (
                _ALL_OFF,
                *(_strictest_of(map(_on_one_slot, pairs[opens, clicks])) for clicks in Consent),
            )
            for opens in Consent
        )
        opens = [[modes.opens for modes in pairs[consent, consent]] for consent in Consent]
        clicks = [[modes.clicks for modes in pairs[consent, consent]] for consent in Consent]
        return _Strictest(
            ((), *by_consents),
            ByPurpose((Mode.OFF, *map(max, opens)), (Mode.OFF, *map(max, clicks))),
            ByPurpose(_by_issued_mode(opens), _by_issued_mode(clicks)),
        )

    def _since(self, time: datetime) -> Sequence[PolicyPeriod]:
        """Return the policy in force just before a time, if any, and all later ones."""
        later = sum(period.valid_from >= time for period in self._periods)
        return self._periods[-later - 1 :]

    def _spans(self, now: datetime) -> list[tuple[PolicyPeriod, datetime]]:
        """Return each policy with the time at which it was replaced."""
        ends = [period.valid_from for period in self._periods[1:]]
        return list(zip(self._periods, [*ends, now], strict=True))


def _on_one_slot(modes: Modes) -> Modes:
    """Return the modes of events whose slot is named by the rows of an IDENTIFIED purpose."""
    if Mode.IDENTIFIED not in modes:
        return modes
    opens, clicks = (Mode.AGGREGATE if mode is Mode.ANONYMOUS else mode for mode in modes)
    return ByPurpose(opens, clicks)


def _strictest_of(all_modes: Iterable[Modes]) -> Modes:
    opens, clicks = map(max, zip(*all_modes, strict=True))
    return ByPurpose(opens, clicks)


def _by_issued_mode(modes_of_consents: Sequence[Sequence[Mode]]) -> tuple[Mode, ...]:
    """Return the strictest mode that followed each mode, indexed by the mode's number.

    Args:
        modes_of_consents: For each consent, the modes it has had, oldest first.
    """
    strictest = (
        max(
            (max(had[had.index(issued) :]) for had in modes_of_consents if issued in had),
            default=issued,
        )
        for issued in Mode
    )
    return (Mode.OFF, *strictest)


def _changed(
    state: PurposeConsent,
    consent: Consent,
    spans: Sequence[tuple[Mode, datetime]],
    now: datetime,
) -> PurposeConsent:
    """Return the state of a purpose after a change of the contact's preference.

    Args:
        state: The state before.
        consent: The consent from now on.
        spans: Modes since the previous change of the preference, and when each ended.
        now: The time of the change.
    """
    floors = tuple(
        max((end for mode, end in spans if mode >= floor), default=until)
        for floor, until in zip(reversed(_FLOOR_MODES), state.floors, strict=True)
    )
    since = state.since if consent is state.consent else now
    return PurposeConsent(consent, since, (floors[0], floors[1], floors[2]))


def _changed_together(contact: ContactPreference) -> bool:
    """Return whether the current consents say all about the modes since their change."""
    opens, clicks = contact.opens, contact.clicks
    return opens.since == clicks.since and opens.floors == _NO_FLOORS == clicks.floors


@overload
def _latest(first: datetime | None, second: datetime) -> datetime: ...
@overload
def _latest(first: datetime | None, second: datetime | None) -> datetime | None: ...
def _latest(first: datetime | None, second: datetime | None) -> datetime | None:
    """Return the later of two times, of which None is the earliest."""
    if first is None or second is None:
        return first or second
    return max(first, second)
