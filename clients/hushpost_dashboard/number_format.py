"""How pages show numbers and times: the filters of the templates."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

__all__ = [
    "FILTERS",
    "count",
    "date",
    "percent",
    "short",
    "tenths",
    "time",
    "whole_percent",
]


def count(value: int) -> str:
    """Return 12,345."""
    return f"{value:,}"


def percent(value: float) -> str:
    """Return 12.3%."""
    return f"{value:.1%}"


def whole_percent(value: float) -> str:
    """Return 12%."""
    return f"{value:.0%}"


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
    "percent": percent,
    "short": short,
    "tenths": tenths,
    "time": time,
    "whole_percent": whole_percent,
}
