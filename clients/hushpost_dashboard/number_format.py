"""How pages show numbers and times: the filters of the templates."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from hushpost_client import EngagementStats, Estimate, Rate

__all__ = [
    "FILTERS",
    "count",
    "date",
    "estimate",
    "people",
    "percent",
    "rate",
    "time",
    "whole_percent",
]

_MISSING = "\N{EN DASH}"
_EXACT_PERCENT = 0.0005


def count(value: int) -> str:
    """Return 12,345."""
    return f"{value:,}"


def estimate(value: Estimate | None) -> str:
    """Return the people of an estimate, with its margin: 1,234 ± 56. A dash before a release."""
    if value is None:
        return _MISSING
    return f"{value.unique:,} ± {value.margin:,}" if value.margin else f"{value.unique:,}"


def people(engagement: EngagementStats) -> str:
    """Return how many people opened or clicked; identified ones before the first release."""
    combined = engagement.combined
    return estimate(combined) if combined else count(engagement.identified.unique)


def percent(value: float) -> str:
    """Return 12.3%."""
    return f"{value:.1%}"


def whole_percent(value: float) -> str:
    """Return 12%."""
    return f"{value:.0%}"


def rate(value: Rate) -> str:
    """Return 12.3% ± 0.4%."""
    if value.margin < _EXACT_PERCENT:
        return percent(value.combined)
    return f"{percent(value.combined)} ± {percent(value.margin)}"


def short(value: float) -> str:
    """Return 0.5, 10 or 1,000."""
    return f"{value:,g}"


def tenths(value: float) -> str:
    """Return 12.3."""
    return f"{value:,.1f}"


def date(value: datetime) -> str:
    """Return 28 Nov 2026."""
    return f"{value.astimezone(UTC):%-d %b %Y}"


def time(value: datetime) -> str:
    """Return 28 Nov 2026, 14:05 UTC."""
    return f"{value.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


FILTERS: Mapping[str, Callable[[Any], str]] = {
    "count": count,
    "date": date,
    "estimate": estimate,
    "people": people,
    "percent": percent,
    "rate": rate,
    "short": short,
    "tenths": tenths,
    "time": time,
    "whole_percent": whole_percent,
}
