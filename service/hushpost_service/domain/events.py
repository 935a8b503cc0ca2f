"""Events as rows of numbers: what they are from their tokens to their sums. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "CAMPAIGN",
    "CONTACT",
    "CREATED",
    "Event",
    "EventGroup",
    "Events",
    "Flags",
    "Numbers",
    "distinct",
    "joined",
    "to_datetime",
    "to_microseconds",
]

Numbers = npt.NDArray[np.int64]
"""Whole numbers, one for each of some events."""

Flags = npt.NDArray[np.bool_]
"""Whether something is so, for each of some events."""

Events = npt.NDArray[np.int64]
"""Events, of shape (how many, fields of `Event`)."""


class Event(NamedTuple):
    """An open (signal 0) or a click (signal n), as its opened token tells it.

    `time` is in microseconds since 1970, whole ones, so that a row read back
    falls in the same hour; `created` is when the campaign was, in the same.
    """

    campaign: int
    contact: int
    group: int
    slot: int
    signal: int
    verdict: int
    time: int
    privacy_signal: bool
    created: int


EventGroup = tuple[int, int, int, int, int, int, int, int]
"""Identical identified events: (campaign, group, slot, signal, verdict, hour, events, first
events)."""

CAMPAIGN = Event._fields.index("campaign")
CONTACT = Event._fields.index("contact")
CREATED = Event._fields.index("created")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(time: datetime) -> int:
    """Return a moment as microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


@lru_cache(1000)
def to_datetime(time: int) -> datetime:
    """Return microseconds since 1970 as a moment."""
    return _EPOCH + time * _MICROSECOND


def joined(parts: Iterable[Events | list[Event]]) -> Events:
    """Return the events of some parts, of which there is at least one."""
    singles: list[Event] = []
    arrays: list[Events] = []
    for part in parts:
        if isinstance(part, list):
            singles += part
        else:
            arrays.append(part)
    if singles:
        arrays.append(np.array(singles, np.int64))
    return np.concatenate(arrays) if len(arrays) != 1 else arrays[0]


def distinct(*columns: Numbers) -> tuple[Numbers, Numbers]:
    """Return where each combination of values stands first, and which one each row has.

    Combinations are in ascending order. There must be rows.
    """
    code = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        codes, span = _codes(column)
        code *= span
        code += codes
    _, first, which = np.unique(code, return_index=True, return_inverse=True)
    return first, which


def _codes(column: Numbers) -> tuple[Numbers, int]:
    """Return small numbers that are ordered as those of a column, and a bound of them.

    Not greater than the number of rows, so that numbers of all columns together
    fit 64 bits: of a commit's events, campaigns, groups, links and chunks.
    """
    low = int(column.min())
    span = int(column.max()) - low + 1
    if span <= len(column):
        return column - low, span
    values, codes = np.unique(column, return_inverse=True)
    return codes, len(values)
