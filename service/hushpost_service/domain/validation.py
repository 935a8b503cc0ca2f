"""Validates ids, names, batches, times and URLs of requests. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from hushpost_service.domain.errors import HushpostError, Reason

__all__ = [
    "MAX_BATCH",
    "MAX_PAGE",
    "checked_batch",
    "checked_contact_id",
    "checked_contact_ids",
    "checked_event_time",
    "checked_id",
    "checked_language",
    "checked_page_size",
    "checked_past",
    "checked_request_id",
    "checked_tenant_id",
    "checked_text",
    "checked_url",
    "converted",
    "event_times",
    "is_id",
    "is_tenant_id",
    "is_web_address",
    "oldest_event",
]

T = TypeVar("T")
R = TypeVar("R")

MAX_BATCH = 10_000
"""Maximum number of items of a batch."""

MAX_PAGE = 1000
_DEFAULT_PAGE = 100
_MAX_ID_BYTES = 128
_MAX_URL_BYTES = 8192
_AHEAD = timedelta(minutes=5)
_FIRST_PAST = datetime(1970, 1, 1, tzinfo=UTC)
_BEHIND = timedelta(days=30)
_AHEAD_MICROSECONDS = _AHEAD // timedelta(microseconds=1)
_BEHIND_MICROSECONDS = _BEHIND // timedelta(microseconds=1)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NOT_IN_URL = re.compile(r"[\s\x00-\x20\x7f-\x9f]")
_SHARED_UUIDS = (0, 2**128 - 1)
"""The nil and max UUID (RFC 9562, 5.9 and 5.10): values of fields that were not filled in."""

_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
"""The syntax of a language tag (RFC 5646, section 2.1), without its rules."""

_MAX_LANGUAGE = 35

_TENANT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def converted(items: Iterable[T], convert: Callable[[T], R]) -> list[R]:
    """Return each item of a list of a request converted, or checked.

    An error gets the index of its item.
    """
    results: list[R] = []
    try:
        for item in items:
            results.append(convert(item))  # noqa: PERF401 - the length is the index
    except HushpostError as error:
        raise error.at_index(len(results)) from None
    return results


def checked_contact_id(contact_id: str) -> str:
    """Return a contact id. Raises CONTACT_ID_INVALID."""
    if not is_id(contact_id):
        raise HushpostError(
            Reason.CONTACT_ID_INVALID,
            "a contact id must have 1 to 128 bytes of UTF-8 and no control characters",
        )
    return contact_id


def checked_contact_ids(contact_ids: Sequence[str]) -> None:
    """Check the contact ids of a batch. Raises CONTACT_ID_INVALID, with the index."""
    # One check of the concatenated ids is enough if all characters are printable ASCII.
    joined = "".join(contact_ids)
    lengths = set(map(len, contact_ids))
    is_plain = joined.isascii() and joined.isprintable()
    if not is_plain or 0 in lengths or max(lengths) > _MAX_ID_BYTES:
        converted(contact_ids, checked_contact_id)


def checked_id(text: str, field: str) -> str:
    """Return the id of a campaign or group. Raises ID_INVALID."""
    if not is_id(text):
        raise HushpostError(
            Reason.ID_INVALID,
            f"{field} must have 1 to 128 bytes of UTF-8 and no control characters",
            {"field": field},
        )
    return text


def checked_tenant_id(text: str) -> str:
    """Return the id of a new tenant. Raises ID_INVALID."""
    if not is_tenant_id(text):
        raise HushpostError(
            Reason.ID_INVALID,
            "a tenant id must have 1 to 64 lower-case letters, digits, hyphens and underscores, "
            "and start with a letter or digit",
            {"field": "tenant_id"},
        )
    return text


def checked_text(text: str, field: str, limit: int) -> str:
    """Return a text of at most `limit` bytes of UTF-8 without NUL. Raises FIELD_INVALID."""
    problem = None
    if len(text.encode()) > limit:
        problem = f"{field} must have at most {limit} bytes of UTF-8"
    elif "\x00" in text:
        problem = f"{field} must not contain NUL characters"
    if problem:
        raise HushpostError(Reason.FIELD_INVALID, problem, {"field": field})
    return text


def checked_language(text: str, field: str) -> str:
    """Return a BCP 47 language tag of at most 35 bytes, or an empty text.

    Raises FIELD_INVALID.
    """
    if text and not (len(text) <= _MAX_LANGUAGE and _LANGUAGE.fullmatch(text)):
        raise HushpostError(
            Reason.FIELD_INVALID,
            f'{field} must be a BCP 47 language tag such as "fr" or "it-CH"',
            {"field": field},
        )
    return text


def checked_past(time: datetime | None, field: str, now: datetime) -> datetime | None:
    """Return a time since 1970, at most five minutes in the future, or None.

    Earlier times are defaults of programs, such as the year 1, which asyncpg stores as
    -infinity. Raises FIELD_INVALID.
    """
    if time is not None and not _FIRST_PAST <= time <= now + _AHEAD:
        raise HushpostError(
            Reason.FIELD_INVALID,
            f"{field} must be from 1970 or later, and not in the future",
            {"field": field},
        )
    return time


def checked_request_id(text: str) -> UUID | None:
    """Parse a request id; return None if it is empty. Raises REQUEST_ID_INVALID."""
    if not text:
        return None
    try:
        request = UUID(text)
    except ValueError:
        raise HushpostError(Reason.REQUEST_ID_INVALID, "request_id must be a UUID") from None
    if request.int in _SHARED_UUIDS:
        raise HushpostError(Reason.REQUEST_ID_INVALID, "request_id must not be the nil or max UUID")
    return request


def checked_batch(items: Sequence[object], field: str) -> None:
    """Raise BATCH_EMPTY or BATCH_TOO_LARGE unless a list has 1 to 10,000 items."""
    if not items:
        raise HushpostError(
            Reason.BATCH_EMPTY, f"{field} must have at least one item", {"field": field}
        )
    if len(items) > MAX_BATCH:
        raise HushpostError(
            Reason.BATCH_TOO_LARGE,
            f"{field} must have at most {MAX_BATCH} items",
            {"field": field, "limit": str(MAX_BATCH)},
        )


def checked_page_size(size: int) -> int:
    """Return the number of items per page. Raises PAGE_SIZE_INVALID."""
    if size < 0:
        raise HushpostError(Reason.PAGE_SIZE_INVALID, "page_size must not be negative")
    return min(size or _DEFAULT_PAGE, MAX_PAGE)


def event_times(now: int) -> tuple[int, int]:
    """Return the earliest and latest valid event time. All times are in microseconds."""
    return now - _BEHIND_MICROSECONDS, now + _AHEAD_MICROSECONDS


def checked_event_time(time: int, now: int) -> int:
    """Return an event's time. Raises EVENT_TIME_IN_FUTURE, EVENT_TIME_TOO_OLD.

    Both times are in microseconds since 1970.
    """
    earliest, latest = event_times(now)
    if time > latest:
        raise HushpostError(
            Reason.EVENT_TIME_IN_FUTURE,
            "the event's time is more than five minutes in the future",
        )
    if time < earliest:
        raise HushpostError(Reason.EVENT_TIME_TOO_OLD, "the event's time is more than 30 days ago")
    return time


def checked_url(url: str) -> str:
    """Return a link's URL unchanged. Raises LINK_URL_INVALID."""
    if not is_web_address(url):
        raise HushpostError(
            Reason.LINK_URL_INVALID,
            "a link must be an absolute http or https URL of at most 8,192 bytes without spaces",
        )
    return url


def is_tenant_id(text: str) -> bool:
    """Return whether a text is a valid tenant id."""
    return _TENANT_ID.fullmatch(text) is not None


def is_id(text: str) -> bool:
    """Return whether a text is a valid id of a contact, campaign or group."""
    return 0 < len(text.encode()) <= _MAX_ID_BYTES and not _CONTROL.search(text)


def is_web_address(url: str) -> bool:
    """Return whether a text is an absolute http or https URL of at most 8,192 bytes."""
    if len(url.encode()) > _MAX_URL_BYTES or _NOT_IN_URL.search(url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def oldest_event(now: datetime) -> datetime:
    """Return the time before which events are rejected."""
    return now - _BEHIND
