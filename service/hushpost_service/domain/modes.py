"""The rules that turn a preference into a mode. Pure."""

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
]


class DoNotTrack(IntEnum):
    """A contact's preference. Values as in `hushpost.v1.DoNotTrack`."""

    UNSET = 1
    FALSE = 2
    TRUE = 3


class Mode(IntEnum):
    """How much an event leaves behind; a greater value is stricter.

    Values as in `hushpost.v1.Mode`.
    """

    IDENTIFIED = 1
    ANONYMOUS = 2
    AGGREGATE = 3
    OFF = 4


class History(IntEnum):
    """What becomes of earlier events. Values as in `hushpost.v1.History`."""

    ANONYMIZE = 1
    KEEP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A tenant's settings that turn a preference into a mode."""

    anonymization_enabled: bool = True
    mode_when_true: Mode = Mode.ANONYMOUS
    mode_when_unset: Mode = Mode.IDENTIFIED
    quorum: int = 10
    history_when_true: History = History.ANONYMIZE
    retention_days: int = 365

    def mode(self, do_not_track: DoNotTrack) -> Mode:
        """Return the mode of a preference under this policy."""
        if not self.anonymization_enabled or do_not_track is DoNotTrack.FALSE:
            return Mode.IDENTIFIED
        if do_not_track is DoNotTrack.TRUE:
            return self.mode_when_true
        return self.mode_when_unset

    def is_stricter_than(self, other: "Policy") -> bool:
        """Tell whether some preference has a stricter mode here than in `other`."""
        return any(self.mode(state) > other.mode(state) for state in DoNotTrack)


@dataclass(frozen=True, slots=True)
class PolicyPeriod:
    """A policy and the moment from which it was in force."""

    valid_from: datetime
    policy: Policy


@dataclass(frozen=True, slots=True)
class ContactPreference:
    """A contact's preference, and how strict it was on messages sent earlier.

    `since` is when the preference was last changed (None: never). `floors` has
    for ANONYMOUS, AGGREGATE and OFF the last moment at which the contact's mode
    was that strict or stricter before that change (None: never): campaigns
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
        """Return the least strict mode that a campaign created then may have."""
        for mode, until in zip(_FLOOR_MODES, self.floors[::-1], strict=True):
            if until is not None and campaign_time <= until:
                return mode
        return Mode.IDENTIFIED


class PreferenceGroup(NamedTuple):
    """Contacts, by number, that have the same preference."""

    contacts: Sequence[int]
    preference: ContactPreference


_NO_FLOORS = (None, None, None)
_MOMENTS = 10_000
_FLOOR_MODES = (Mode.OFF, Mode.AGGREGATE, Mode.ANONYMOUS)


class _Strictest(NamedTuple):
    """The strictest modes, at the places of the enums' numbers, and quorum since a moment."""

    by_preference: tuple[Mode, ...]
    by_mode_at_send: tuple[Mode, ...]
    quorum: int


class ModeRule:
    """Decides modes by a tenant's policy history, the stricter always winning.

    For one message the mode only ever tightens, because identified events on
    an old token would name the slot behind its earlier anonymous ones. So the
    mode is the strictest that the contact has had since the campaign was
    created.
    """

    def __init__(self, periods: Sequence[PolicyPeriod]) -> None:
        """Take the periods by ascending `valid_from`; the last is in force."""
        self._periods = tuple(periods)
        # Asked for every event; there are about as many moments as campaigns.
        self._memory: BoundedCache[datetime, _Strictest] = BoundedCache(_MOMENTS)
        self.policy = periods[-1].policy

    def of_contact(self, contact: ContactPreference | None, campaign_time: datetime) -> Mode:
        """Return the mode of a message that names a contact.

        `contact` is None for one that was erased: nobody can tell any more what
        it chose, so it is ANONYMOUS, or as UNSET or TRUE if that is stricter. An
        erasure must not loosen what the contact had chosen.
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

    def of_contactless(self, sent: Mode, campaign_time: datetime) -> Mode:
        """Return the mode of a message whose token names no contact.

        Its preference cannot be looked up: it is one of those whose mode was
        `sent` at some time since the campaign was created. Of these the
        strictest mode holds that came at that time or later.
        """
        return self._strictest(campaign_time).by_mode_at_send[sent]

    def quorum(self, campaign_time: datetime) -> int:
        """Return the quorum of a campaign's numbers: the greatest since it was created.

        One that is lowered holds for campaigns created afterwards. If it held at
        once, the very change would tell how much was held back.
        """
        return self._strictest(campaign_time).quorum

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
        strictest = self._memory.get(since)
        if strictest is None:
            strictest = self._memory[since] = self._strictest_since(since)
        return strictest

    def _strictest_since(self, since: datetime) -> "_Strictest":
        modes = {state: self._modes(state, since) for state in DoNotTrack}
        by_preference = (max(modes[state]) for state in DoNotTrack)
        by_mode_at_send = (
            max(
                (max(had[had.index(sent) :]) for had in modes.values() if sent in had), default=sent
            )
            for sent in Mode
        )
        quorum = max(period.policy.quorum for period in self._since(since))
        return _Strictest((Mode.OFF, *by_preference), (Mode.OFF, *by_mode_at_send), quorum)

    def _modes(self, state: DoNotTrack, since: datetime) -> list[Mode]:
        """Return the modes that a preference has had since, the one in force last."""
        return [period.policy.mode(state) for period in self._since(since)]

    def _since(self, moment: datetime) -> Sequence[PolicyPeriod]:
        """Return the period before a moment, if there was one, and all from then on."""
        later = sum(period.valid_from >= moment for period in self._periods)
        return self._periods[-later - 1 :]

    def _spans(self, now: datetime) -> list[tuple[PolicyPeriod, datetime]]:
        """Return each period with the moment at which it ended."""
        ends = [period.valid_from for period in self._periods[1:]]
        return list(zip(self._periods, [*ends, now], strict=True))
