"""Converts between messages and the service's own types."""

from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.verdicts import Verdict

__all__ = ["member", "optional_member", "timestamp", "to_microseconds", "verdict", "wire"]

E = TypeVar("E", bound=IntEnum)


def timestamp(time: datetime | None) -> Timestamp | None:
    """Return a moment as a message."""
    if time is None:
        return None
    message = Timestamp()
    message.FromDatetime(time.astimezone(UTC))
    return message


def to_microseconds(message: Timestamp, *, given: bool) -> int | None:
    """Return microseconds since 1970, or None where no moment is given."""
    return message.seconds * 1_000_000 + message.nanos // 1000 if given else None


def verdict(number: int) -> int:
    """Return a verdict; one not given, or not known here yet, is UNKNOWN."""
    return number if number in _VERDICTS else Verdict.UNKNOWN


_VERDICTS = frozenset(int(member) for member in Verdict)


def member(kind: type[E], number: int, field: str) -> E:
    """Return the member of an enum that has a message's number. Raises FIELD_INVALID."""
    try:
        return kind(number)
    except ValueError:
        raise HushpostError(
            Reason.FIELD_INVALID, f"{field} must be given", {"field": field}
        ) from None


def optional_member(kind: type[E], number: int, field: str) -> E | None:
    """Return the same, None where it is not given (0)."""
    return member(kind, number, field) if number else None


def wire(value: IntEnum) -> Any:
    """Return the number of an enum's member, for whichever type a message gives it."""
    return int(value)
