"""Finds the dates of last opens among events. See `Policy.record_last_opens`. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from hushpost_service.domain.consent import Consent
from hushpost_service.domain.counters import AUTOMATED
from hushpost_service.domain.events import (
    CONTACT,
    PRIVACY_SIGNAL,
    SIGNAL,
    SLOT,
    TIME,
    VERDICT,
    Events,
)
from hushpost_service.domain.modes import Mode, Policy, PreferenceGroup
from hushpost_service.tokens.codec import NO_CONTACT, NO_SLOT

__all__ = ["last_opens"]

_EPOCH = date(1970, 1, 1)
_DAY = 24 * 3600 * 1_000_000
"""Microseconds of a day."""


def last_opens(
    policy: Policy, events: Events, groups: Sequence[PreferenceGroup]
) -> dict[int, date]:
    """Return the dates (UTC) of the last opens to record, by contact.

    These are opens on tokens that have a contact but no slot, without an automated verdict
    and without a privacy signal, of contacts whose consent to opens is UNKNOWN still.

    Args:
        policy: The policy in force.
        events: The events of a commit.
        groups: The preferences of their contacts.
    """
    is_open = (events[:, CONTACT] != NO_CONTACT) & (events[:, SLOT] == NO_SLOT)
    is_open &= (events[:, SIGNAL] == 0) & (events[:, PRIVACY_SIGNAL] == 0)
    is_open &= ~np.isin(events[:, VERDICT], list(AUTOMATED))
    opens = events[is_open]
    if not len(opens):
        return {}
    undecided = {
        contact for group in groups if _is_recorded(policy, group) for contact in group.contacts
    }
    days: dict[int, int] = {}
    for contact, time in opens[:, (CONTACT, TIME)].tolist():
        if contact in undecided:
            days[contact] = max(days.get(contact, 0), time // _DAY)
    return {contact: _EPOCH + timedelta(days=day) for contact, day in days.items()}


def _is_recorded(policy: Policy, group: PreferenceGroup) -> bool:
    consents = group.preference.consents
    return consents.opens is Consent.UNKNOWN and policy.modes(consents).opens is not Mode.OFF
