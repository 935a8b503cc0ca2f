"""Decides the modes of events: the stricter of mode at send and mode now. Pure."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from hushpost_service.domain.events import Event, Events, Numbers, distinct, to_datetime
from hushpost_service.domain.modes import ContactPreference, Mode, ModeRule, PreferenceGroup
from hushpost_service.tokens.codec import NO_CONTACT, NO_SLOT

__all__ = ["Modes", "PreferenceGroup", "decided", "mode_of"]

Modes = npt.NDArray[np.int64]
"""The number of a `Mode` for each event."""

# What a mode depends on, beside the campaign's creation; from _ALIKE on it is one of
# the preferences given.
_ERASED, _ANONYMOUS, _AGGREGATE, _ALIKE = range(4)


def mode_of(rule: ModeRule, event: Event, preference: ContactPreference | None) -> Mode:
    """Return the mode of one event; its contact was erased if it has no preference."""
    if event.contact == NO_CONTACT:
        sent = Mode.AGGREGATE if event.slot == NO_SLOT else Mode.ANONYMOUS
        return rule.of_contactless(sent, to_datetime(event.created))
    mode = rule.of_contact(preference, to_datetime(event.created))
    if mode is Mode.IDENTIFIED and event.privacy_signal:
        # Not ANONYMOUS: identified rows may name the slot whose bit that would set.
        return Mode.AGGREGATE
    return mode


def decided(rule: ModeRule, events: Events, preference_groups: Sequence[PreferenceGroup]) -> Modes:
    """Return the modes of events, of which there is at least one, as `mode_of` does.

    Contacts that are in none of `preference_groups` have been erased.
    """
    _, contact, _, slot, _, _, _, privacy_signal, created = events.T
    kind = _kinds(contact, slot, preference_groups)
    first, which = distinct(created, kind)
    kinds = zip(kind[first].tolist(), created[first].tolist(), strict=True)
    modes: Modes = np.array([_mode(rule, *each, preference_groups) for each in kinds], np.int64)[
        which
    ]
    modes[(modes == Mode.IDENTIFIED) & (privacy_signal != 0)] = Mode.AGGREGATE
    return modes


def _kinds(
    contact: Numbers, slot: Numbers, preference_groups: Sequence[PreferenceGroup]
) -> Numbers:
    contacts = [contacts for contacts, _ in preference_groups]
    known = np.fromiter(chain.from_iterable(contacts), np.int64)
    order = known.argsort()
    place = known[order].searchsorted(contact)
    kinds = np.repeat(np.arange(len(preference_groups)) + _ALIKE, [len(each) for each in contacts])[
        order
    ]
    # One more of each, where whoever is greater than all known ones stands.
    is_known = np.append(known[order], NO_CONTACT)[place] == contact
    kind = np.where(is_known, np.append(kinds, _ERASED)[place], _ERASED)
    nameless = np.where(slot == NO_SLOT, _AGGREGATE, _ANONYMOUS)
    return np.where(contact == NO_CONTACT, nameless, kind)


def _mode(
    rule: ModeRule, kind: int, created: int, preference_groups: Sequence[PreferenceGroup]
) -> Mode:
    time = to_datetime(created)
    if kind == _ANONYMOUS:
        return rule.of_contactless(Mode.ANONYMOUS, time)
    if kind == _AGGREGATE:
        return rule.of_contactless(Mode.AGGREGATE, time)
    return rule.of_contact(preference_groups[kind - _ALIKE][1] if kind >= _ALIKE else None, time)
