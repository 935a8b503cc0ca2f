"""The hours of a campaign in bins for the chart."""

from datetime import UTC, datetime, timedelta

import pytest

from hushpost_client import Count, EngagementStats, HourStats, SentStats, SignalStats
from hushpost_dashboard.report.time_series import TimeSeries, time_series

START = datetime(2026, 3, 4, 21, tzinfo=UTC)


def _signal(people: int) -> SignalStats:
    def engagement(count: int) -> EngagementStats:
        return EngagementStats(
            identified=Count(count, count), anonymous=None, aggregate=None, combined=None
        )

    return SignalStats(human=engagement(people), machine=engagement(1_000))


def _hour(offset: int, opens: int = 1) -> HourStats:
    sent = SentStats(total=10, identified=0, anonymous=0, aggregate=0, off=0, margin=0)
    return HourStats(
        start_time=START + timedelta(hours=offset),
        sent=sent,
        opens=_signal(opens),
        clicks=_signal(0),
    )


def test_hours_without_events_are_zero() -> None:
    """A gap is a fact: nothing happened."""
    series = time_series([_hour(0, 5), _hour(3, 7)])
    assert (series.unit, series.is_cut) == ("hour", False)
    assert [each.opens for each in series.bins] == [5, 0, 0, 7]
    assert [each.label for each in series.bins][::3] == ["4 Mar, 21:00", "5 Mar, 00:00"]


@pytest.mark.parametrize(
    ("last", "unit"),
    [(0, "hour"), (94, "hour"), (95, "6 hours"), (569, "6 hours"), (570, "day"), (2_400, "week")],
)
def test_bins_are_as_short_as_a_chart_allows(last: int, unit: str) -> None:
    """However long a campaign runs, there are at most 96 bins, and nothing is lost."""
    series = time_series([_hour(offset) for offset in range(last + 1)])
    assert series.unit == unit
    assert 0 < len(series.bins) <= 96
    assert sum(each.opens for each in series.bins) == last + 1
    assert sum(each.sent for each in series.bins) == 10 * (last + 1)


def test_days_begin_at_midnight_and_weeks_on_monday() -> None:
    """Bins have the limits that people expect, in UTC."""
    days = time_series([_hour(0), _hour(1_000)])
    assert days.bins[0].label == "4 Mar 2026"
    weeks = time_series([_hour(0), _hour(5_000)])
    assert weeks.bins[0].start.strftime("%A %H:%M") == "Monday 00:00"


def test_a_campaign_of_years_is_cut() -> None:
    """The last bin has everything that comes after it."""
    series = time_series([_hour(0), _hour(24 * 7 * 200, 3)])
    assert (len(series.bins), series.is_cut, series.bins[-1].opens) == (96, True, 3)


def test_no_hours() -> None:
    """Nothing has been sent."""
    assert time_series([]) == TimeSeries("hour", ())
