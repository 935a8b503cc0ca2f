"""The hours of a campaign in bins of equal length, for the chart over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hushpost_client import HourStats

__all__ = ["Bin", "TimeSeries", "time_series"]

_MAX_BINS = 96
_DAY = timedelta(days=1)
_WIDTHS = (
    (timedelta(hours=1), "hour"),
    (timedelta(hours=6), "6 hours"),
    (_DAY, "day"),
    (7 * _DAY, "week"),
)
_EPOCH = datetime(1970, 1, 5, tzinfo=UTC)
"""A Monday, so that weeks begin with one."""


@dataclass(frozen=True, slots=True)
class Bin:
    """What happened within some time. Identified people only, each in the hour of their first event.

    Attributes:
        start: When the bin begins, UTC.
        label: When it begins, as the chart and the table say it.
        sent: Messages sent.
        opens: People who opened.
        clicks: People who clicked, each link apart.
    """

    start: datetime
    label: str
    sent: int
    opens: int
    clicks: int


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """The bins from the first hour to the last, empty ones included.

    Attributes:
        unit: The length of a bin in words, such as "hour".
        bins: The bins, ascending.
        is_cut: Whether earlier or later hours than shown are added up in the first or last bin.
    """

    unit: str
    bins: tuple[Bin, ...]
    is_cut: bool = False


def time_series(hours: Sequence[HourStats]) -> TimeSeries:
    """Return at most 96 bins, as short as possible."""
    if not hours:
        return TimeSeries("hour", ())
    first, last = hours[0].start_time, hours[-1].start_time
    width, unit = next(
        (each for each in _WIDTHS if (last - first) / each[0] < _MAX_BINS - 1), _WIDTHS[-1]
    )
    start = _floor(first, width)
    count = min((_floor(last, width) - start) // width + 1, _MAX_BINS)
    numbers = [[0, 0, 0] for _ in range(count)]
    for hour in hours:
        index = min((hour.start_time - start) // width, count - 1)
        for position, number in enumerate(
            (
                hour.sent.total,
                hour.opens.human.identified.unique,
                hour.clicks.human.identified.unique,
            )
        ):
            numbers[index][position] += number
    starts = [start + index * width for index in range(count)]
    return TimeSeries(
        unit,
        tuple(Bin(at, _label(at, width), *row) for at, row in zip(starts, numbers, strict=True)),
        is_cut=_floor(last, width) > starts[-1],
    )


def _floor(time: datetime, width: timedelta) -> datetime:
    return time - (time - _EPOCH) % width


def _label(time: datetime, width: timedelta) -> str:
    utc = time.astimezone(UTC)
    return f"{utc:%-d %b %Y}" if width >= _DAY else f"{utc:%-d %b, %H:%M}"
