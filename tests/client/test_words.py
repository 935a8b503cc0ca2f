"""The client's enums are the contract's."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from hushpost_client import _words_proto
from hushpost_client._words_proto import Wording, from_timestamp, set_timestamp

WORDINGS = {name: value for name, value in vars(_words_proto).items() if isinstance(value, Wording)}


@pytest.mark.parametrize("name", WORDINGS)
def test_words_are_those_of_the_contract(name: str) -> None:
    """Each enum has all words of its proto and no other, and they go there and back."""
    wording = WORDINGS[name]
    words: Any = type(next(iter(wording.numbers)))
    assert set(wording.numbers) == set(words)
    assert all(wording.word(wording.number(word)) is word for word in words)


@pytest.mark.parametrize("name", WORDINGS)
def test_an_unknown_number_is_unspecified(name: str) -> None:
    """A number that a newer authority sends does not break an answer."""
    assert WORDINGS[name].word(99) == "UNSPECIFIED"


@given(
    st.datetimes(
        min_value=datetime(1, 1, 2),  # noqa: DTZ001
        max_value=datetime(9999, 12, 30),  # noqa: DTZ001
        timezones=st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
)
def test_times_go_there_and_back(time: datetime) -> None:
    """A time on the wire is what protobuf itself would write, and comes back in UTC."""
    timestamp, reference = Timestamp(), Timestamp()
    set_timestamp(timestamp, time)
    reference.FromDatetime(time)
    assert timestamp == reference
    assert from_timestamp(timestamp) == time
    assert from_timestamp(timestamp).tzinfo is UTC


def test_a_naive_time_is_refused() -> None:
    """A time without a zone could mean any moment, so it is a ValueError."""
    with pytest.raises(ValueError, match="aware"):
        set_timestamp(Timestamp(), datetime(2026, 1, 1))  # noqa: DTZ001
