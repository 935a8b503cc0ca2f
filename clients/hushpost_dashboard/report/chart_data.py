"""What the charts draw, as JSON documents that the scripts of the page read."""

from typing import Any

from hushpost_dashboard.report.summary import Summary, TotalsRow
from hushpost_dashboard.report.time_series import TimeSeries

__all__ = ["people_chart", "time_chart"]


def people_chart(summary: Summary) -> dict[str, Any]:
    """Return bars of people: identified ones, and with anonymous ones, whose margin is drawn.

    An estimate that cannot be told from noise has an error bar only. `low` and `high` are the ends of the error bars; they are equal if the number is exact.
    """
    rows = summary.rows
    return {
        "labels": [row.verb for row in rows],
        "machine": [row.is_machine for row in rows],
        "identified": [row.identified for row in rows],
        "anonymous": [_anonymous(row) for row in rows],
        "low": [row.people.low for row in rows],
        "high": [row.people.high for row in rows],
        "texts": [row.people.text for row in rows],
    }


def time_chart(series: TimeSeries) -> dict[str, Any]:
    """Return identified people who opened and clicked, by the time of their first event."""
    return {
        "unit": series.unit,
        "labels": [each.label for each in series.bins],
        "opens": [each.opens for each in series.bins],
        "clicks": [each.clicks for each in series.bins],
    }


def _anonymous(row: TotalsRow) -> int:
    return 0 if row.people.is_noise else max(row.people.value - row.identified, 0)
