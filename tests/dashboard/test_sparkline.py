"""The small chart of opens over time."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from hushpost_client import Count, EngagementStats, HourStats, SentStats, SignalStats
from hushpost_dashboard.sparkline import HEIGHT, WIDTH, sparkline

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


def hour(number: int, opens: int) -> HourStats:
    """Return an hour with opens by people."""
    none = EngagementStats(identified=Count(0, 0), anonymous=None, aggregate=None, combined=None)
    people = EngagementStats(
        identified=Count(opens, opens), anonymous=None, aggregate=None, combined=None
    )
    return HourStats(
        start_time=START + timedelta(hours=number),
        sent=SentStats(total=0, identified=0, anonymous=0, aggregate=0, off=0, margin=0),
        opens=SignalStats(human=people, machine=people),
        clicks=SignalStats(human=none, machine=none),
    )


def points(path: str) -> list[tuple[float, float]]:
    """Return the points of a path."""
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


@pytest.mark.parametrize("hours", [[], [hour(0, 0)]])
def test_without_opens_there_is_no_chart(hours: list[HourStats]) -> None:
    """An empty chart would look like a measurement."""
    assert sparkline(hours) is None


@pytest.mark.parametrize("last", [0, 1, 23, 24, 100, 5_000])
def test_the_line_stays_within_the_view(last: int) -> None:
    """However long the campaign has been running."""
    drawn = sparkline([hour(0, 5), hour(last, 7)] if last else [hour(0, 5)])
    assert drawn is not None
    line = points(drawn.line)
    assert line[0][0] == 0
    assert line[-1][0] == WIDTH
    assert all(0 <= y <= HEIGHT for _, y in line)
    assert min(y for _, y in line) == 2  # the highest point
    assert drawn.days == max(1, -(-(last + 1) // 24))


def test_the_line_follows_the_opens() -> None:
    """More opens are higher; hours without any are at the bottom."""
    drawn = sparkline([hour(0, 10), hour(20, 40)])
    assert drawn is not None
    assert drawn.total == 50
    heights = [HEIGHT - y for _, y in points(drawn.line)]
    assert heights.index(max(heights)) > 20
    assert min(heights) == 1
    assert heights[0] > 1
