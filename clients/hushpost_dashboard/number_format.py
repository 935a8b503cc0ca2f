"""How pages show numbers and times: the filters of the templates."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from hushpost_client import Estimate, Rate

__all__ = ["FILTERS", "count", "date", "estimate", "percent", "rate", "time"]

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


def percent(value: float) -> str:
    """Return 12.3%."""
    return f"{value:.1%}"


def rate(value: Rate) -> str:
    """Return 12.3% ± 0.4%."""
    if value.margin < _EXACT_PERCENT:
        return percent(value.combined)
    return f"{percent(value.combined)} ± {percent(value.margin)}"


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
    "percent": percent,
    "rate": rate,
    "time": time,
}
