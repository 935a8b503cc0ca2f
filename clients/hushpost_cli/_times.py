"""Times that users write in options and files."""

from datetime import UTC, datetime

import typer

__all__ = ["period", "time_option", "utc_time"]

_FIRST_YEAR = 1970
_EXAMPLE = "2026-11-28T15:04:05Z"


def utc_time(text: str) -> datetime:
    """Return a time in ISO 8601, in UTC unless it has an offset.

    Raises:
        ValueError: The text is no time since 1970.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.year < _FIRST_YEAR:
        raise ValueError(f"not a time such as {_EXAMPLE}")
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def time_option(text: str | None) -> datetime | None:
    """Return the time that an option gives. Raises typer.BadParameter."""
    if text is None:
        return None
    try:
        return utc_time(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is {error}") from None


def period(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Return the times of the options --since and --until. Raises typer.BadParameter."""
    start, end = time_option(since), time_option(until)
    if start and end and start >= end:
        raise typer.BadParameter("--until must be later than --since: there is no time in between")
    return start, end
