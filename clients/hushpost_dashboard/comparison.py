"""Puts the rates of several campaigns side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from hushpost_client import CampaignStats
from hushpost_dashboard.campaign_rows import CampaignRow
from hushpost_dashboard.report.people import Share

__all__ = ["Bar", "Course", "Courses", "RateChart", "courses", "rate_charts"]

_MARKS = (1, 2, 4, 8, 12, 24, 36, 48, 60, 72)
"""Hours after the first message, for the table behind the curves."""

_TICKS = {24: 6, 48: 12, 72: 24}
"""The lengths that curves may have, in hours, and the hours between the labels below them."""

_TOPS = (1, 2, 4, 6, 8, 10, 20, 30, 40, 50, 60, 80, 100, 150, 200, 500, 1_000)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A campaign's bar, in percent of the chart's width.

    Attributes:
        share: The rate.
        length: The end of the bar; 0 if the rate cannot be told from noise.
        low: The start of the margin's line.
        high: The end of it.
    """

    share: Share
    length: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RateChart:
    """One rate of all campaigns, on a common scale from 0 to `top`."""

    title: str
    explanation: str
    top: float
    bars: tuple[Bar | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How the opens of a campaign grew: its identified opens per 100 messages, by hour.

    Attributes:
        line: The path of the curve in a view of 100 by 100. It ends at the present hour.
        values: The opens at the hours of `Courses.marks`; None for hours still to come.
    """

    line: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Courses:
    """The curves of all campaigns on a common scale.

    Attributes:
        curves: A curve per campaign; None without identified opens.
        top: The opens per 100 messages at the top of the chart.
        marks: The hours of the table behind the curves.
        ticks: The hours below the chart.
    """

    curves: tuple[Course | None, ...]
    top: float
    marks: tuple[int, ...]
    ticks: tuple[int, ...]


def rate_charts(rows: Sequence[CampaignRow]) -> tuple[RateChart, ...]:
    """Return a chart per rate; a campaign without that rate has no bar."""
    summaries = [row.summary for row in rows]
    return (
        _chart(
            "Open rate",
            "People who opened, of all messages whose opens are recorded.",
            [each.open_rate if each else None for each in summaries],
        ),
        _chart(
            "Click-through rate",
            "People who clicked any link, of all messages whose clicks are recorded.",
            [each.click_through_rate if each else None for each in summaries],
        ),
        _chart(
            "Click-to-open rate",
            "People who clicked, of those who opened.",
            [each.click_to_open_rate if each else None for each in summaries],
        ),
    )


def _chart(title: str, explanation: str, shares: Sequence[Share | None]) -> RateChart:
    top = _round_up(max((share.high for share in shares if share), default=0.0))
    bars = tuple(_bar(share, top) if share else None for share in shares)
    return RateChart(title=title, explanation=explanation, top=top, bars=bars)


def _bar(share: Share, top: float) -> Bar:
    return Bar(
        share=share,
        length=0.0 if share.is_noise else _percent(share.value, top),
        low=_percent(share.low, top),
        high=_percent(share.high, top),
    )


def _percent(value: float, top: float) -> float:
    return round(min(max(value / top, 0.0), 1.0) * 100, 2)


def _round_up(value: float) -> float:
    """Return the next of 1%, 2%, 4% and so on, at most 100%."""
    return next((top / 100 for top in _TOPS if 100 * value <= top <= 100), 1.0)  # noqa: PLR2004 - %


def courses(rows: Sequence[CampaignRow], now: datetime) -> Courses:
    """Return the curve of each campaign, for one to three days."""
    starts = [_start(row.stats) if row.stats else None for row in rows]
    oldest = min(filter(None, starts), default=now)
    length = next((hours for hours in _TICKS if now - oldest <= hours * _HOUR), max(_TICKS))
    growths = [
        _growth(row.stats, start, now, length) if row.stats and start else None
        for row, start in zip(rows, starts, strict=True)
    ]
    highest = max((growth[-1] for growth in growths if growth), default=0.0)
    top = next((top for top in _TOPS if highest <= top), highest)
    marks = tuple(mark for mark in _MARKS if mark <= length)
    return Courses(
        curves=tuple(_course(growth, top, length, marks) if growth else None for growth in growths),
        top=top,
        marks=marks,
        ticks=tuple(range(0, length + 1, _TICKS[length])),
    )


def _start(stats: CampaignStats) -> datetime | None:
    return next((hour.start_time for hour in stats.hours if hour.sent.total), None)


def _growth(
    stats: CampaignStats, start: datetime, now: datetime, length: int
) -> Sequence[float] | None:
    """Return the identified opens per 100 messages after each hour; None if there are none."""
    known = min(length, (now - start) // _HOUR + 1)
    opens = [0] * (known + 1)
    for hour in stats.hours:
        # Clocks of edges may be behind, so an open can be dated before the first message.
        index = max(0, (hour.start_time - start) // _HOUR) + 1
        if index <= known:
            opens[index] += hour.opens.human.identified.total
    if not any(opens):
        return None
    return [100 * number / stats.sent.total for number in accumulate(opens)]


def _course(growth: Sequence[float], top: float, length: int, marks: Sequence[int]) -> Course:
    points = (
        f"{index / length * 100:.4g} {(1 - value / top) * 100:.4g}"
        for index, value in enumerate(growth)
    )
    return Course(
        line="M" + " L".join(points),
        values=tuple(growth[mark] if mark < len(growth) else None for mark in marks),
    )
