"""Decides the modes of events: the stricter of the mode at issue and the mode now. Pure.

A repeated AGGREGATE event is OFF: it leaves nothing.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from hushpost_service.domain.events import Event, Events, Numbers, distinct, to_datetime
from hushpost_service.domain.modes import ContactPreference, Mode, ModeRule, PreferenceGroup
from hushpost_service.tokens.codec import NO_CONTACT, NO_SLOT

__all__ = ["Modes", "mode_of", "modes_of"]

Modes = npt.NDArray[np.int64]
"""The number of a `Mode`, one per event."""

# What the mode of an event depends on besides the creation of its campaign. Values from
# _FIRST_GROUP on are positions in the list of preference groups.
_ERASED, _ANONYMOUS, _AGGREGATE, _FIRST_GROUP = range(4)


def mode_of(rule: ModeRule, event: Event, preference: ContactPreference | None) -> Mode:
    """Return the mode of one event. A contact without a preference has been erased."""
    if event.contact == NO_CONTACT:
        issued = Mode.AGGREGATE if event.slot == NO_SLOT else Mode.ANONYMOUS
        mode = rule.of_contactless(issued, to_datetime(event.created))
    else:
        mode = rule.of_contact(preference, to_datetime(event.created))
        if mode is Mode.IDENTIFIED and event.privacy_signal:
            # Not ANONYMOUS: an identified row of this contact may name the slot, and would
            # thereby reveal whose anonymous bit it is.
            mode = Mode.AGGREGATE
    # Only for AGGREGATE events, because the others count people, or must be exact.
    return Mode.OFF if mode is Mode.AGGREGATE and event.repeated else mode


def modes_of(rule: ModeRule, events: Events, groups: Sequence[PreferenceGroup]) -> Modes:
    """Return the modes of at least one event, as `mode_of` does for each.

    A contact that is in none of the groups has been erased.
    """
    _, contact, _, slot, _, _, _, privacy_signal, repeated, created = events.T
    kind = _kinds(contact, slot, groups)
    first, positions = distinct(created, kind)
    kinds = zip(kind[first].tolist(), created[first].tolist(), strict=True)
    modes: Modes = np.array([_mode(rule, *each, groups) for each in kinds], np.int64)[positions]
    modes[(modes == Mode.IDENTIFIED) & (privacy_signal != 0)] = Mode.AGGREGATE
    modes[(modes == Mode.AGGREGATE) & (repeated != 0)] = Mode.OFF
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


def _mode(rule: ModeRule, kind: int, created: int, groups: Sequence[PreferenceGroup]) -> Mode:
    time = to_datetime(created)
    if kind == _ANONYMOUS:
        return rule.of_contactless(Mode.ANONYMOUS, time)
    if kind == _AGGREGATE:
        return rule.of_contactless(Mode.AGGREGATE, time)
    is_erased = kind < _FIRST_GROUP
    return rule.of_contact(None if is_erased else groups[kind - _FIRST_GROUP].preference, time)
