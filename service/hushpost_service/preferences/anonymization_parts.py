"""Divides an anonymization into parts: what happens to which events, and in which transactions."""

from collections.abc import Mapping
from typing import NamedTuple

from hushpost_service.domain.consent import Purpose
from hushpost_service.domain.events import ALL_SIGNALS, SignalRange, signals_of
from hushpost_service.domain.modes import Mode, Modes
from hushpost_service.storage.anonymization import CampaignContact

__all__ = ["Change", "Part", "changes_to", "parts_of"]

_EVENTS_PER_TRANSACTION = 5000
"""Takes a fraction of a second, so that recording transactions do not wait for long."""


class Change(NamedTuple):
    """What happens to events: those with a signal in the range get the mode."""

    mode: Mode
    signals: SignalRange


class Part(NamedTuple):
    """Events to anonymize: those of (campaign, contact) pairs.

    Attributes:
        change: What happens to them.
        pairs: The pairs.
        limit: How many a transaction anonymizes; None if one anonymizes all.
    """

    change: Change
    pairs: list[CampaignContact]
    limit: int | None


def parts_of(change: Change, events: Mapping[CampaignContact, int]) -> list[Part]:
    """Divide pairs into parts that a transaction can anonymize; `events` has their number.

    Pairs of one contact are next to each other, because a transaction reads all events of its contacts.
    No identified events are added meanwhile: the modes of the messages only become stricter.
    """
    parts: list[Part] = []
    free = 0
    for pair, count in sorted(events.items(), key=_contact):
        if count > _EVENTS_PER_TRANSACTION:
            parts.insert(0, Part(change, [pair], _EVENTS_PER_TRANSACTION))
        elif count > free:
            parts.append(Part(change, [pair], None))
            free = _EVENTS_PER_TRANSACTION - count
        else:
            parts[-1].pairs.append(pair)
            free -= count
    return parts


def _contact(events: tuple[CampaignContact, int]) -> int:
    (_, contact), _ = events
    return contact


def changes_to(modes: Modes) -> list[Change]:
    """Return the changes to the past events of a contact, by the modes of its messages now."""
    changes = [
        Change(_anonymized_mode(mode), signals_of(purpose))
        for purpose, mode in zip(Purpose, modes, strict=True)
        if mode > Mode.IDENTIFIED
    ]
    if len({change.mode for change in changes}) == 1 < len(changes):
        return [Change(changes[0].mode, ALL_SIGNALS)]
    return changes


def _anonymized_mode(mode: Mode) -> Mode:
    """Return the mode of the counters for past events of a message that is now in `mode`.

    Past events were allowed when they were recorded, so they stay in the totals even if the
    message is OFF now. But neither AGGREGATE nor OFF allows counting distinct people.
    """
    return Mode.ANONYMOUS if mode is Mode.ANONYMOUS else Mode.AGGREGATE
