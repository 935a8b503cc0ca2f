"""The encoding of what workers know of one token and one network."""

import pytest

from hushpost_edge.client_activity import Activity, pack_first
from hushpost_edge.scanner_rules import add_click


@pytest.mark.parametrize("now", [0.5, 1000.0])
@pytest.mark.parametrize("link", [0, 1, 3, 999_999_999])
def test_the_first_event_is_encoded_like_later_ones(link: int, now: float) -> None:
    """An open or a click as the first event gives the bytes that the rules give for it."""
    event = (now, 2, 77)
    activity = Activity()
    if link:
        add_click(activity, now, link)
    activity.events = [event]
    assert pack_first(event, link) == activity.pack()


@pytest.mark.parametrize("count", [0, 1, 6])
def test_decoding_returns_what_was_encoded(count: int) -> None:
    """All fields, and up to six events, followed by undefined bytes."""
    activity = Activity(1.5, 2, 3, 4, 5.5, 6.5, 7.5, 8.5, 9, 10, [1, 2, 3, 4], [5, 6, 7, 8])
    activity.events = [(number / 2, number, number << 40) for number in range(count)]
    assert Activity.unpack(activity.pack() + b"\xff" * 99) == activity
