"""A small chart of a campaign's opens over time, as the path of an inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from hushpost_client import HourStats

__all__ = ["HEIGHT", "WIDTH", "Sparkline", "sparkline"]

WIDTH = 120
HEIGHT = 28
_STEPS = 40
_HOUR = timedelta(hours=1)
_MIN_HOURS = 24


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The chart, in a view of `WIDTH` by `HEIGHT`.

    Attributes:
        line: The path of the line.
        area: The path of the area below it.
        total: How many opens it shows.
        days: How many days it covers, rounded up.
    """

    line: str
    area: str
    total: int
    days: int


def sparkline(hours: Sequence[HourStats]) -> Sparkline | None:
    """Draw the identified opens by people; None if there are none.

    Starts at the first hour and covers at least a day. Anonymous opens have no hours.
    """
    opens = [(hour.start_time, hour.opens.human.identified.total) for hour in hours]
    total = sum(number for _, number in opens)
    if not total:
        return None
    start = opens[0][0]
    length = max(_MIN_HOURS, (opens[-1][0] - start) // _HOUR + 1)
    sums = _sums(opens, start, length)
    top = max(sums)
    step = WIDTH / (_STEPS - 1)
    points = [
        (round(index * step, 1), round(HEIGHT - 1 - number / top * (HEIGHT - 3), 1))
        for index, number in enumerate(sums)
    ]
    line = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
    return Sparkline(line, f"{line} L{WIDTH} {HEIGHT} L0 {HEIGHT} Z", total, -(-length // 24))


def _sums(opens: Sequence[tuple[datetime, int]], start: datetime, length: int) -> list[float]:
    """Return the opens in each of the steps; an hour is spread over the steps that it covers."""
    bounds = [step * length / _STEPS for step in range(_STEPS + 1)]
    sums = [0.0] * _STEPS
    for time, number in opens:
        hour = (time - start) / _HOUR
        for step, (begin, end) in enumerate(pairwise(bounds)):
            covered = min(end, hour + 1) - max(begin, hour)
            if covered > 0:
                sums[step] += number * covered
    return sums
