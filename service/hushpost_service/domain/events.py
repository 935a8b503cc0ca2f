"""Events as tuples or rows of integers, and operations on columns of them. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hushpost_service.domain.consent import Purpose

__all__ = [
    "ALL_SIGNALS",
    "CAMPAIGN",
    "CONTACT",
    "CREATED",
    "PRIVACY_SIGNAL",
    "PURPOSE",
    "REPEATED",
    "SIGNAL",
    "SLOT",
    "TIME",
    "VERDICT",
    "Event",
    "EventGroup",
    "Events",
    "Flags",
    "Numbers",
    "SignalRange",
    "distinct",
    "joined",
    "signals_of",
    "to_datetime",
    "to_microseconds",
]

Numbers = npt.NDArray[np.int64]
"""A column of integers, one per event."""

Flags = npt.NDArray[np.bool_]
"""A column of flags, one per event."""

Events = npt.NDArray[np.int64]
"""Events, of shape (events, fields of `Event`)."""


class Event(NamedTuple):
    """An open (signal 0) or a click (signal n for link n).

    `purpose` is the number of the `Purpose` that the token is bound to; 0 if it is bound to
    none. `time` and `created`, the creation of the campaign, are in whole microseconds since
    1970: the precision of PostgreSQL, so that a stored event stays in the same hour.
    """

    campaign: int
    contact: int
    group: int
    slot: int
    purpose: int
    signal: int
    verdict: int
    time: int
    privacy_signal: bool
    repeated: bool
    created: int


EventGroup = tuple[int, int, int, int, int, int, int, int]
"""Identical identified events: (campaign, group, slot, signal, verdict, hour, events, first
events)."""

CAMPAIGN = Event._fields.index("campaign")
CONTACT = Event._fields.index("contact")
SLOT = Event._fields.index("slot")
PURPOSE = Event._fields.index("purpose")
SIGNAL = Event._fields.index("signal")
VERDICT = Event._fields.index("verdict")
TIME = Event._fields.index("time")
PRIVACY_SIGNAL = Event._fields.index("privacy_signal")
REPEATED = Event._fields.index("repeated")
CREATED = Event._fields.index("created")

SignalRange = tuple[int, int]
"""The first and the last signal of a range."""

ALL_SIGNALS = (0, 2**15 - 1)
"""Opens and clicks on any link."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def signals_of(purpose: Purpose) -> SignalRange:
    """Return the signals of a purpose."""
    return (0, 0) if purpose is Purpose.OPENS else (1, ALL_SIGNALS[1])


def to_microseconds(time: datetime) -> int:
    """Convert a time to microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


@lru_cache(1000)
def to_datetime(time: int) -> datetime:
    """Convert microseconds since 1970 to a time."""
    return _EPOCH + time * _MICROSECOND


def joined(parts: Iterable[Events | list[Event]]) -> Events:
    """Concatenate lists and arrays of events; there must be at least one event."""
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
    """Find the distinct combinations of values in columns with at least one row.

    Returns:
        The first row of each combination, in ascending order of combinations, and for
        each row the position of its combination.
    """
    rows = len(columns[0])
    code = np.zeros(rows, np.int64)
    combinations = 1
    for column in columns:
        codes, span = _codes(column)
        code *= span
        code += codes
        combinations *= span
    if combinations <= rows:
        return _distinct_dense(code, combinations)
    _, first, positions = np.unique(code, return_index=True, return_inverse=True)
    return first, positions


def _distinct_dense(code: Numbers, span: int) -> tuple[Numbers, Numbers]:
    """Return what `distinct` does, for codes below `span`, without sorting them.

    Sorting takes more than twice as long at 2,000 rows (`make bench
    ONLY=record_events_anonymous_per_second` shows the gain).
    """
    rows = len(code)
    # Of several assignments to one place, NumPy keeps the last: assign in reverse order.
    first_row = np.full(span, -1)
    first_row[code[::-1]] = np.arange(rows - 1, -1, -1)
    is_present = first_row >= 0
    position = np.cumsum(is_present) - 1
    return first_row[is_present], position[code]


def _codes(column: Numbers) -> tuple[Numbers, int]:
    """Map a column to small integers in the same order; return them and their upper bound.

    The bound is at most the number of rows. The codes of all columns of a commit
    (campaign, group, signal, chunk, …) therefore fit into 64 bits together.
    """
    low = int(column.min())
    span = int(column.max()) - low + 1
    if span <= len(column):
        return column - low, span
    values, codes = np.unique(column, return_inverse=True)
    return codes, len(values)
