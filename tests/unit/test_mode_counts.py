"""The numbers of messages by mode: their noise, and how they are shown."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.consent import Purpose
from hushpost_service.domain.mode_counts import (
    ModeCount,
    add_noise,
    cell_scale,
    consistent,
    mode_scale,
)
from hushpost_service.domain.modes import Mode

OPENS = Purpose.OPENS
numbers = st.fixed_dictionaries({mode: st.integers(-50, 200) for mode in Mode})


def seven(counts: Sequence[int], scales: Sequence[float]) -> list[int]:
    """Add 7 as noise."""
    assert len(counts) == len(scales)
    return [count + 7 for count in counts]


def test_the_budget_is_divided() -> None:
    """The loss of a message is at most one group's threshold and four numbers."""
    for epsilon in (0.5, 2.0):
        assert 1 / cell_scale(epsilon) + 4 / mode_scale(epsilon) == pytest.approx(epsilon)


def test_each_message_gets_the_noise_of_one_release() -> None:
    """A cell to which nothing was sent keeps its numbers; others get noise once more."""
    first = {(1, OPENS, Mode.ANONYMOUS): 10, (2, OPENS, Mode.ANONYMOUS): 0}
    released = add_noise(first, {}, 2.0, seven)
    assert released == {
        (1, OPENS, Mode.ANONYMOUS): ModeCount(17, 7),
        (2, OPENS, Mode.ANONYMOUS): ModeCount(0, 0),
    }
    second = {**first, (2, OPENS, Mode.ANONYMOUS): 5}
    later = add_noise(second, released, 2.0, seven)
    assert later[1, OPENS, Mode.ANONYMOUS] == ModeCount(17, 7)
    assert later[2, OPENS, Mode.ANONYMOUS] == ModeCount(12, 7)
    third = {**second, (1, OPENS, Mode.ANONYMOUS): 11}
    assert add_noise(third, later, 2.0, seven)[1, OPENS, Mode.ANONYMOUS] == ModeCount(25, 14)


def test_all_modes_of_a_cell_get_noise() -> None:
    """Noise depends on how many messages were sent in all modes, which is public."""
    exact = {(1, OPENS, Mode.ANONYMOUS): 10, (1, OPENS, Mode.IDENTIFIED): 0}
    before = add_noise(exact, {}, 2.0, seven)
    assert {count.noise for count in before.values()} == {7}
    more = {**exact, (1, OPENS, Mode.IDENTIFIED): 1}
    assert {count.noise for count in add_noise(more, before, 2.0, seven).values()} == {14}


@given(numbers, st.integers(0, 500))
def test_shown_numbers_are_possible_and_as_close_as_they_can_be(
    noisy: dict[Mode, int], total: int
) -> None:
    """They add up, none is negative, and no message moved to another mode would be closer."""
    found = consistent(noisy, total)
    assert sum(found.values()) == total
    assert min(found.values()) >= 0
    gaps = {mode: found[mode] - noisy[mode] for mode in Mode}
    for giver in Mode:
        for taker in Mode:
            if found[giver] > 0:
                assert gaps[giver] - gaps[taker] <= 1
