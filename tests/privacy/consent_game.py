"""A game: a reader of reports says whether the target's consent is GRANTED or WITHDRAWN.

The reader has a REPORTER key, no access to consent, and knows the modes of all messages
except the target's. It sees which groups have a cell of their own and, on each date, the messages
by mode. Its score is the logarithm of the likelihood ratio of what it sees.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np

from hushpost_service.domain.cells import cells_of_groups
from hushpost_service.domain.consent import Purpose
from hushpost_service.domain.mode_counts import ModeCount, Place, add_noise, cell_scale, mode_scale
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.noise import with_noise
from hushpost_service.domain.release_plan import MIN_CELL

from .empirical_epsilon import Scores

__all__ = ["ConsentStrategy", "play_for_consent"]

_READY = 2_000
"""Noise that is drawn in one call; more saves no time."""

Noise = Callable[[Sequence[int], Sequence[float]], list[int]]
Sent = Mapping[tuple[int, Mode], int]


@dataclass(frozen=True, slots=True)
class ConsentStrategy:
    """Messages that are sent before each date, besides the target's.

    Attributes:
        name: What the adversary arranged.
        sent: For each date, how many messages by group and mode.
        target: The target's group, and the date before which its message is sent.
        modes: The modes of the target's message in the two histories.
    """

    name: str
    sent: tuple[Sent, ...]
    target: tuple[int, int] = (1, 0)
    modes: tuple[Mode, Mode] = (Mode.IDENTIFIED, Mode.ANONYMOUS)

    def messages(self, date: int, history: int) -> Counter[tuple[int, Mode]]:
        """Return the messages that were sent until a date."""
        found: Counter[tuple[int, Mode]] = Counter()
        for sent in self.sent[: date + 1]:
            found.update(sent)
        group, first = self.target
        if date >= first:
            found[group, self.modes[history]] += 1
        return found


def play_for_consent(
    strategy: ConsentStrategy, plays: int, epsilon: float, noise: Noise = with_noise
) -> tuple[Scores, Scores]:
    """Play with each history, and return the scores for the first and the second."""
    ready = _ReadyNoise(noise)
    both = [
        np.array(
            [
                _score(strategy, history, epsilon, ready, begun)
                for begun in _cells(strategy, history, epsilon, noise, plays)
            ]
        )
        for history in (0, 1)
    ]
    return both[0], both[1]


class _ReadyNoise:
    """Draws the noise of many releases at once, because most of the time is spent per call.

    Releases draw noise for zeros, and add it to their numbers.
    """

    def __init__(self, noise: Noise) -> None:
        self._noise = noise
        self._ready: dict[float, list[int]] = {}

    def __call__(self, numbers: Sequence[int], scales: Sequence[float]) -> list[int]:
        """Return the numbers, which are zeros, with noise."""
        assert not any(numbers)
        return [self._next(scale) for scale in scales]

    def _next(self, scale: float) -> int:
        ready = self._ready.setdefault(scale, [])
        if not ready:
            ready.extend(self._noise([0] * _READY, [scale] * _READY))
        return ready.pop()


def _score(
    strategy: ConsentStrategy,
    history: int,
    epsilon: float,
    noise: Noise,
    begun: tuple[dict[int, int], float],
) -> float:
    """Play once after the groups got their cells, and return the score."""
    cells, score = begun
    before: dict[Place, ModeCount] = {}
    exact_before: list[Counter[Place]] = [Counter(), Counter()]
    for date in range(len(strategy.sent)):
        exact = [_by_cell(strategy.messages(date, each), cells) for each in (0, 1)]
        released = add_noise(exact[history], before, epsilon, noise)
        for place in released.keys() - before.keys():
            before[place] = ModeCount(0, 0)
        for place, count in released.items():
            seen = count.messages - before[place].messages
            gaps = [abs(seen - exact[each][place] + exact_before[each][place]) for each in (0, 1)]
            score += (gaps[0] - gaps[1]) / mode_scale(epsilon)
        before, exact_before = released, exact
    return score


def _cells(
    strategy: ConsentStrategy, history: int, epsilon: float, noise: Noise, plays: int
) -> Iterator[tuple[dict[int, int], float]]:
    """Yield the cells that groups get at the first date, and the score of seeing them."""
    groups = sorted({group for sent in strategy.sent for group, _ in sent} | {strategy.target[0]})
    anonymous = [
        [strategy.messages(0, each)[group, Mode.ANONYMOUS] for group in groups] for each in (0, 1)
    ]
    scale = cell_scale(epsilon)
    size = len(groups)
    noisy = noise(anonymous[history] * plays, [scale] * size * plays)
    chances = [
        [_chance_of_reaching(MIN_CELL - count, scale) for count in counts] for counts in anonymous
    ]
    for start in range(0, size * plays, size):
        seen = dict(zip(groups, noisy[start : start + size], strict=True))
        cells = cells_of_groups(dict.fromkeys(groups), seen)
        score = 0.0
        for group, without, with_act in zip(groups, *chances, strict=True):
            own = cells[group] == group
            score += log(with_act / without) if own else log((1 - with_act) / (1 - without))
        yield cells, score


def _chance_of_reaching(missing: int, scale: float) -> float:
    """Return how likely discrete Laplace noise is at least so much."""
    decay = exp(-1 / scale)
    return decay**missing / (1 + decay) if missing > 0 else 1 - decay ** (1 - missing) / (1 + decay)


def _by_cell(messages: Mapping[tuple[int, Mode], int], cells: Mapping[int, int]) -> Counter[Place]:
    """Return the messages of each cell, by the mode of opens and of clicks, which are the same."""
    found = Counter(
        {
            (cell, purpose, mode): 0
            for cell in set(cells.values())
            for purpose in Purpose
            for mode in Mode
        }
    )
    for (group, mode), number in messages.items():
        for purpose in Purpose:
            found[cells[group], purpose, mode] += number
    return found
