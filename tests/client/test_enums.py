"""Enums and timestamps on the wire."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from hushpost_client import _enums_proto
from hushpost_client._enums_proto import EnumCodec, from_timestamp, set_timestamp

CODECS = {name: value for name, value in vars(_enums_proto).items() if isinstance(value, EnumCodec)}


@pytest.mark.parametrize("name", CODECS)
def test_an_enum_has_the_members_of_its_proto(name: str) -> None:
    """Each enum has exactly the members of its proto enum, without UNSPECIFIED."""
    codec: EnumCodec[Any, Any] = CODECS[name]
    members: Any = type(next(member for member in codec.numbers if member))
    assert set(codec.numbers) == {None, *members}
    assert "UNSPECIFIED" not in members.__members__
    assert all(codec.from_wire(codec.to_wire(member)) is member for member in members)
    assert codec.to_wire(None) == 0


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("number", [0, 99])
def test_an_unspecified_or_unknown_number_is_none(name: str, number: int) -> None:
    """An absent value, or one that a newer authority sends, is None."""
    assert CODECS[name].from_wire(number) is None


@given(
    st.datetimes(
        min_value=datetime(1, 1, 2),  # noqa: DTZ001
        max_value=datetime(9999, 12, 30),  # noqa: DTZ001
        timezones=st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
)
def test_timestamps_round_trip(time: datetime) -> None:
    """A time is encoded as protobuf's own method does, and decoded in UTC."""
    timestamp, reference = Timestamp(), Timestamp()
    set_timestamp(timestamp, time)
    reference.FromDatetime(time)
    assert timestamp == reference
    assert from_timestamp(timestamp) == time
    assert from_timestamp(timestamp).tzinfo is UTC


def test_a_time_without_zone_is_rejected() -> None:
    """A naive datetime raises ValueError."""
    with pytest.raises(ValueError, match="no time zone"):
        set_timestamp(Timestamp(), datetime(2026, 1, 1))  # noqa: DTZ001
