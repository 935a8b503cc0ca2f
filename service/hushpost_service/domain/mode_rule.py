"""Decides the modes of a message by the history of policies and of a preference. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.domain.consent import ByPurpose, Consent, Purpose
from hushpost_service.domain.modes import (
    ContactPreference,
    Mode,
    Modes,
    PolicyPeriod,
    PurposeConsent,
)

__all__ = ["ModeRule"]

_ALL_OFF: Modes = ByPurpose(Mode.OFF, Mode.OFF)
_NO_FLOORS = (None, None, None)
_CACHED_TIMES = 10_000


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
        since = _latest(contact.since, campaign_time)
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
        opens = [(modes.opens, end) for modes, end in spans]
        clicks = [(modes.clicks, end) for modes, end in spans]
        return ContactPreference(
            contact.opens.changed(consents.opens, opens, now),
            contact.clicks.changed(consents.clicks, clicks, now),
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


def _changed_together(contact: ContactPreference) -> bool:
    """Return whether the current consents say all about the modes since their change."""
    opens, clicks = contact.opens, contact.clicks
    return opens.since == clicks.since and opens.floors == _NO_FLOORS == clicks.floors


def _latest(first: datetime | None, second: datetime) -> datetime:
    """Return the later of two times, of which None is the earliest."""
    return second if first is None else max(first, second)
