"""Converts between protobuf field values and the service's own types."""

from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.verdicts import Verdict

__all__ = [
    "enum_member",
    "enum_number",
    "optional_enum_member",
    "optional_time",
    "timestamp",
    "timestamp_microseconds",
    "verdict",
    "verdicts",
]

E = TypeVar("E", bound=IntEnum)

_VERDICTS = frozenset(int(verdict) for verdict in Verdict)


def timestamp(time: datetime | None) -> Timestamp | None:
    """Convert a time to a message; None stays None."""
    if time is None:
        return None
    message = Timestamp()
    message.FromDatetime(time.astimezone(UTC))
    return message


def timestamp_microseconds(message: Timestamp, *, is_set: bool) -> int | None:
    """Return a message as microseconds since 1970; None if the field is not set."""
    return message.seconds * 1_000_000 + message.nanos // 1000 if is_set else None


def optional_time(message: Message, name: str, path: str = "") -> datetime | None:
    """Return the time in a field of a message; None if it is not set.

    Raises FIELD_INVALID if it is not between the years 1 and 9999; `path` is the field's path
    in the request, if it is not its name.
    """
    field = path or name
    if not message.HasField(name):
        return None
    try:
        time: datetime = getattr(message, name).ToDatetime(UTC)
    except (OverflowError, ValueError):
        raise HushpostError(
            Reason.FIELD_INVALID,
            f"{field} must be a time between the years 1 and 9999",
            {"field": field},
        ) from None
    return time


def verdict(number: int) -> int:
    """Return the number of a verdict; UNKNOWN if it is unset or not a known number."""
    return number if number in _VERDICTS else Verdict.UNKNOWN


def verdicts(numbers: list[int]) -> list[int]:
    """Do the same as `verdict` for a list."""
    return numbers if _VERDICTS.issuperset(numbers) else [verdict(number) for number in numbers]


def enum_member(kind: type[E], number: int, field: str) -> E:
    """Return the member of an enum with that number.

    Raises FIELD_INVALID if there is none: `field` is unset (0) or has an unknown value.
    """
    try:
        return kind(number)
    except ValueError:
        names = ", ".join(member.name for member in kind)
        raise HushpostError(
            Reason.FIELD_INVALID, f"{field} must be one of {names}", {"field": field}
        ) from None


def optional_enum_member(kind: type[E], number: int, field: str) -> E | None:
    """Return the member of an enum with that number; None if `field` is unset (0).

    Raises FIELD_INVALID if the value is unknown.
    """
    return enum_member(kind, number, field) if number else None


def enum_number(member: IntEnum) -> Any:
    """Return the number of an enum member, typed so that any protobuf enum field takes it."""
    return int(member)
