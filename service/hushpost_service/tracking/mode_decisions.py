"""Decides the modes of events: the stricter of the mode at issue and the mode now. Pure.

A repeated AGGREGATE event is OFF: it leaves nothing.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from hushpost_service.domain.consent import ByPurpose, Purpose
from hushpost_service.domain.events import (
    CONTACT,
    CREATED,
    PRIVACY_SIGNAL,
    PURPOSE,
    REPEATED,
    SIGNAL,
    SLOT,
    Event,
    Events,
    Numbers,
    distinct,
    to_datetime,
)
from hushpost_service.domain.mode_rule import ModeRule
from hushpost_service.domain.modes import (
    ContactPreference,
    Mode,
    Modes,
    PreferenceGroup,
)
from hushpost_service.tokens.codec import BOTH_PURPOSES, NO_CONTACT, NO_SLOT

__all__ = ["EventModes", "mode_of", "modes_of"]

EventModes = npt.NDArray[np.int64]
"""The number of a `Mode`, one per event."""

# What the modes of an event depend on besides the creation of its campaign. Values from
# _FIRST_GROUP on are positions in the list of preference groups.
_ERASED, _ANONYMOUS, _AGGREGATE, _FIRST_GROUP = range(4)


def mode_of(rule: ModeRule, event: Event, preference: ContactPreference | None) -> Mode:
    """Return the mode of one event. A contact without a preference has been erased.

    An event is OFF if its token is bound to the other purpose, or has a contact but no slot:
    such a token serves to record last opens only.
    """
    purpose = Purpose.CLICKS if event.signal else Purpose.OPENS
    if event.purpose not in (BOTH_PURPOSES, purpose):
        return Mode.OFF
    created = to_datetime(event.created)
    if event.contact == NO_CONTACT:
        issued = Mode.AGGREGATE if event.slot == NO_SLOT else Mode.ANONYMOUS
        mode = rule.of_contactless(issued, purpose, created)
    elif event.slot == NO_SLOT:
        return Mode.OFF
    else:
        mode = rule.at_event(preference, created).of(purpose)
        if mode is Mode.IDENTIFIED and event.privacy_signal:
            # Not ANONYMOUS: an identified row of this contact may name the slot, and would
            # thereby reveal whose anonymous bit it is.
            mode = Mode.AGGREGATE
    # Only for AGGREGATE events, because the others count people, or must be exact.
    return Mode.OFF if mode is Mode.AGGREGATE and event.repeated else mode


def modes_of(rule: ModeRule, events: Events, groups: Sequence[PreferenceGroup]) -> EventModes:
    """Return the modes of at least one event, as `mode_of` does for each.

    A contact that is in none of the groups has been erased.
    """
    contact, slot, created = events[:, CONTACT], events[:, SLOT], events[:, CREATED]
    kind = _kinds(contact, slot, groups)
    first, positions = distinct(created, kind)
    kinds = zip(kind[first].tolist(), created[first].tolist(), strict=True)
    by_purpose = np.array([_modes(rule, *each, groups) for each in kinds], np.int64)
    is_click = events[:, SIGNAL] > 0
    modes: EventModes = by_purpose[positions, is_click.view(np.int8)]
    modes[(modes == Mode.IDENTIFIED) & (events[:, PRIVACY_SIGNAL] != 0)] = Mode.AGGREGATE
    modes[(modes == Mode.AGGREGATE) & (events[:, REPEATED] != 0)] = Mode.OFF
    other = np.where(is_click, Purpose.OPENS, Purpose.CLICKS)
    modes[(events[:, PURPOSE] == other) | (contact != NO_CONTACT) & (slot == NO_SLOT)] = Mode.OFF
    return modes


def _kinds(contact: Numbers, slot: Numbers, groups: Sequence[PreferenceGroup]) -> Numbers:
    """Return the kind of each event: _ERASED, _ANONYMOUS, _AGGREGATE or a group."""
    sizes = [len(group.contacts) for group in groups]
    known = np.fromiter(chain.from_iterable(group.contacts for group in groups), np.int64)
    order = known.argsort()
    position = known[order].searchsorted(contact)
    kinds = np.repeat(np.arange(len(groups)) + _FIRST_GROUP, sizes)[order]
    # A sentinel at the end, where `searchsorted` puts contacts above all known ones.
    is_known = np.append(known[order], NO_CONTACT)[position] == contact
    kind = np.where(is_known, np.append(kinds, _ERASED)[position], _ERASED)
    contactless = np.where(slot == NO_SLOT, _AGGREGATE, _ANONYMOUS)
    return np.where(contact == NO_CONTACT, contactless, kind)


def _modes(rule: ModeRule, kind: int, created: int, groups: Sequence[PreferenceGroup]) -> Modes:
    """Return the modes of opens and clicks of a kind."""
    time = to_datetime(created)
    if kind in (_ANONYMOUS, _AGGREGATE):
        issued = Mode.ANONYMOUS if kind == _ANONYMOUS else Mode.AGGREGATE
        opens, clicks = (rule.of_contactless(issued, purpose, time) for purpose in Purpose)
        return ByPurpose(opens, clicks)
    is_erased = kind < _FIRST_GROUP
    return rule.at_event(None if is_erased else groups[kind - _FIRST_GROUP].preference, time)
