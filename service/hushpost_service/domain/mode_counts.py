"""Releases how many messages were sent in each mode, with noise. Pure, except for randomness.

A message's mode tells what its recipient consented to. Someone who knows the modes of all
other messages must not learn it from a report. So each message changes the numbers of one
increment, which has noise of its own.

See `docs/decisions/0018-noise-on-messages-by-mode.md` for the proof.
"""

from collections.abc import Callable, Mapping, Sequence
from math import floor
from typing import NamedTuple

from hushpost_service.domain.consent import Purpose
from hushpost_service.domain.modes import Mode

__all__ = [
    "MessagesByMode",
    "ModeCount",
    "add_noise",
    "cell_scale",
    "consistent",
    "mode_scale",
]

_CELL_SHARE = 0.25
"""The share of the budget that decides which groups have a cell of their own."""

_COUNTS_PER_MESSAGE = 4
"""A message that has other modes changes two numbers of opens and two of clicks by 1."""

Place = tuple[int, Purpose, Mode]
"""A cell, and the mode of opens or of clicks."""

MessagesByMode = Mapping[Place, int]


class ModeCount(NamedTuple):
    """A number of messages with its noise, and the noise that it contains."""

    messages: int
    noise: int


def mode_scale(epsilon: float) -> float:
    """Return the scale of the noise on an increment of messages by mode."""
    return _COUNTS_PER_MESSAGE / (epsilon * (1 - _CELL_SHARE))


def cell_scale(epsilon: float) -> float:
    """Return the scale of the noise on the anonymous messages of a group, on which its cell depends."""
    return 1 / (epsilon * _CELL_SHARE)


def add_noise(
    exact: MessagesByMode,
    before: Mapping[Place, ModeCount],
    epsilon: float,
    noise: Callable[[Sequence[int], Sequence[float]], list[int]],
) -> dict[Place, ModeCount]:
    """Return the numbers of a release.

    They contain the noise of the release before, and new noise in cells to which more messages
    were sent since. Numbers of other cells stay the same.

    Args:
        exact: The messages of all cells in all modes, also where there are none.
        before: The numbers of the release before; empty if this is the first one.
        epsilon: The budget.
        noise: Adds noise of given scales to numbers.
    """
    totals, totals_before = _totals(exact), _totals(_without_noise(before))
    grown = [place for place in exact if totals[place[:2]] != totals_before.get(place[:2], 0)]
    fresh = noise([0] * len(grown), [mode_scale(epsilon)] * len(grown))
    added = dict(zip(grown, fresh, strict=True))
    found = {}
    for place, messages in exact.items():
        old = before.get(place)
        sum_of_noise = (old.noise if old else 0) + added.get(place, 0)
        found[place] = ModeCount(messages + sum_of_noise, sum_of_noise)
    return found


def consistent(noisy: Mapping[Mode, int], total: int) -> dict[Mode, int]:
    """Return numbers that add up to the total, none of which is negative.

    They are the closest to the noisy ones (the projection onto a simplex), rounded.
    """
    positive = sorted(noisy, key=lambda mode: -noisy[mode])
    excess = 0.0
    while positive:
        excess = (sum(noisy[mode] for mode in positive) - total) / len(positive)
        if noisy[positive[-1]] >= excess:
            break
        positive.pop()
    real = {mode: noisy[mode] - excess for mode in positive}
    found = dict.fromkeys(noisy, 0) | {mode: floor(value) for mode, value in real.items()}
    # Rounding down loses less than one message for each mode.
    by_loss = sorted(positive, key=lambda mode: found[mode] - real[mode])
    for mode in by_loss[: total - sum(found.values())]:
        found[mode] += 1
    return found


def _totals(messages: MessagesByMode) -> dict[tuple[int, Purpose], int]:
    found: dict[tuple[int, Purpose], int] = {}
    for (cell, purpose, _mode), number in messages.items():
        found[cell, purpose] = found.get((cell, purpose), 0) + number
    return found


def _without_noise(counts: Mapping[Place, ModeCount]) -> MessagesByMode:
    return {place: count.messages - count.noise for place, count in counts.items()}
