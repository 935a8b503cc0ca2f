"""Preferences, policies and modes, and the rule that decides the mode of a message. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from hushpost_service.bounded_cache import BoundedCache

__all__ = [
    "ContactPreference",
    "DoNotTrack",
    "History",
    "Mode",
    "ModeRule",
    "Policy",
    "PolicyPeriod",
    "PreferenceGroup",
    "Release",
]


class DoNotTrack(IntEnum):
    """A contact's preference. Values as in `hushpost.v1.DoNotTrack`."""

    UNSET = 1
    FALSE = 2
    TRUE = 3

    def is_looser_than(self, other: "DoNotTrack") -> bool:
        """Return whether this permits more: FALSE is looser than UNSET, UNSET than TRUE.

        The policy has no influence: this compares what the recipient decided.
        """
        return _STRICTNESS[self] < _STRICTNESS[other]


_STRICTNESS = {DoNotTrack.FALSE: 0, DoNotTrack.UNSET: 1, DoNotTrack.TRUE: 2}


class Mode(IntEnum):
    """How much an event reveals; a greater value is stricter.

    Values as in `hushpost.v1.Mode`.
    """

    IDENTIFIED = 1
    ANONYMOUS = 2
    AGGREGATE = 3
    OFF = 4


class History(IntEnum):
    """What an opt-out does with earlier events. Values as in `hushpost.v1.History`."""

    ANONYMIZE = 1
    KEEP = 2


class Release(IntEnum):
    """How anonymous counts are released. Values as in `hushpost.v1.Release`."""

    NOISY = 1
    EXACT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings of a tenant: which mode a preference maps to, and what is released.

    Attributes:
        anonymization_enabled: Whether contacts can have another mode than IDENTIFIED.
        mode_when_true: The mode of contacts who decline tracking.
        mode_when_unset: The mode of contacts who have not decided.
        history_when_true: What an opt-out does with earlier events.
        retention_days: The age at which identified events are deleted.
        release: Whether the anonymous counts of new campaigns get noise.
        epsilon: The privacy budget per contact and campaign.
        release_delays: When counts are released, in seconds after the first message.
        max_anonymous_messages: How many ANONYMOUS messages a contact gets in 90 days.
    """

    anonymization_enabled: bool = True
    mode_when_true: Mode = Mode.ANONYMOUS
    mode_when_unset: Mode = Mode.IDENTIFIED
    history_when_true: History = History.ANONYMIZE
    retention_days: int = 365
    release: Release = Release.NOISY
    epsilon: float = 2.0
    release_delays: tuple[int, ...] = (6 * 3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600)
    max_anonymous_messages: int = 26

    def mode(self, do_not_track: DoNotTrack) -> Mode:
        """Return the mode of a preference under this policy."""
        if not self.anonymization_enabled or do_not_track is DoNotTrack.FALSE:
            return Mode.IDENTIFIED
        if do_not_track is DoNotTrack.TRUE:
            return self.mode_when_true
        return self.mode_when_unset

    def is_stricter_than(self, other: "Policy") -> bool:
        """Return whether some preference has a stricter mode here than in `other`."""
        return any(self.mode(state) > other.mode(state) for state in DoNotTrack)


@dataclass(frozen=True, slots=True)
class PolicyPeriod:
    """A policy, and the time since which it has been in force."""

    valid_from: datetime
    policy: Policy


@dataclass(frozen=True, slots=True)
class ContactPreference:
    """A contact's preference, and the modes that earlier campaigns must keep.

    Attributes:
        do_not_track: The preference.
        since: When it last changed; None if it never did.
        floors: For ANONYMOUS, AGGREGATE and OFF, the last time before that change at
            which the contact's mode was at least that strict (None: never). Campaigns
            created up to then stay that strict.
    """

    do_not_track: DoNotTrack
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


class PreferenceGroup(NamedTuple):
    """Contacts, by number, that have the same preference."""

    contacts: Sequence[int]
    preference: ContactPreference


_NO_FLOORS = (None, None, None)
_CACHED_TIMES = 10_000
_FLOOR_MODES = (Mode.OFF, Mode.AGGREGATE, Mode.ANONYMOUS)


class _Strictest(NamedTuple):
    """The strictest modes since a time, indexed by enum value."""

    by_preference: tuple[Mode, ...]
    by_issued_mode: tuple[Mode, ...]


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

    def of_contact(self, contact: ContactPreference | None, campaign_time: datetime) -> Mode:
        """Return the mode of a message whose token holds a contact.

        `contact` is None if the contact was erased. Its choice is then unknown and must
        not be loosened, so the mode is the strictest of ANONYMOUS and the modes of UNSET
        and TRUE.
        """
        if contact is None:
            strictest = self._strictest(campaign_time).by_preference
            return max(Mode.ANONYMOUS, strictest[DoNotTrack.UNSET], strictest[DoNotTrack.TRUE])
        since = contact.since
        if since is None or since < campaign_time:
            since = campaign_time
        mode = self._strictest(since).by_preference[contact.do_not_track]
        if contact.floors == _NO_FLOORS:
            return mode
        return max(mode, contact.floor(campaign_time))

    def of_contactless(self, issued: Mode, campaign_time: datetime) -> Mode:
        """Return the mode of a message whose token holds no contact.

        Its preference cannot be looked up. It is one of those that had the mode `issued`
        at some time since the campaign was created; the result is the strictest mode that
        any of these preferences has had from that time on.
        """
        return self._strictest(campaign_time).by_issued_mode[issued]

    def changed(
        self, contact: ContactPreference, do_not_track: DoNotTrack, now: datetime
    ) -> ContactPreference:
        """Return the contact's preference after a change at `now`."""
        floors = tuple(
            max(
                (
                    end
                    for period, end in self._spans(now)
                    if period.policy.mode(contact.do_not_track) >= mode
                    and (contact.since is None or end > contact.since)
                ),
                default=until,
            )
            for mode, until in zip(reversed(_FLOOR_MODES), contact.floors, strict=True)
        )
        return ContactPreference(do_not_track, now, (floors[0], floors[1], floors[2]))

    def _strictest(self, since: datetime) -> "_Strictest":
        strictest = self._strictest_cache.get(since)
        if strictest is None:
            strictest = self._strictest_cache[since] = self._strictest_since(since)
        return strictest

    def _strictest_since(self, since: datetime) -> "_Strictest":
        modes = {state: self._modes(state, since) for state in DoNotTrack}
        by_preference = (max(modes[state]) for state in DoNotTrack)
        by_issued_mode = (
            max(
                (max(had[had.index(sent) :]) for had in modes.values() if sent in had), default=sent
            )
            for sent in Mode
        )
        return _Strictest((Mode.OFF, *by_preference), (Mode.OFF, *by_issued_mode))

    def _modes(self, state: DoNotTrack, since: datetime) -> list[Mode]:
        """Return the modes of a preference since a time; the current one is last."""
        return [period.policy.mode(state) for period in self._since(since)]

    def _since(self, time: datetime) -> Sequence[PolicyPeriod]:
        """Return the policy in force just before a time, if any, and all later ones."""
        later = sum(period.valid_from >= time for period in self._periods)
        return self._periods[-later - 1 :]

    def _spans(self, now: datetime) -> list[tuple[PolicyPeriod, datetime]]:
        """Return each policy with the time at which it was replaced."""
        ends = [period.valid_from for period in self._periods[1:]]
        return list(zip(self._periods, [*ends, now], strict=True))
