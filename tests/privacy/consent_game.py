"""A game: a reader of reports says whether the target's consent is GRANTED or WITHDRAWN.

The reader has a REPORTER key, no access to consent, and knows the modes of all messages
except the target's. It sees which groups have a cell of their own and, on each date, the messages
by mode. Its score is the logarithm of the likelihood ratio of what it sees.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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
    both = [
        np.array([_score(strategy, history, epsilon, noise) for _ in range(plays)])
        for history in (0, 1)
    ]
    return both[0], both[1]


def _score(strategy: ConsentStrategy, history: int, epsilon: float, noise: Noise) -> float:
    """Play once, and return the score."""
    cells, score = _cells(strategy, history, epsilon, noise)
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
    strategy: ConsentStrategy, history: int, epsilon: float, noise: Noise
) -> tuple[dict[int, int], float]:
    """Return the cells that groups get at the first date, and the score of seeing them."""
    groups = sorted({group for sent in strategy.sent for group, _ in sent} | {strategy.target[0]})
    anonymous = [
        [strategy.messages(0, each)[group, Mode.ANONYMOUS] for group in groups] for each in (0, 1)
    ]
    scale = cell_scale(epsilon)
    noisy = noise(anonymous[history], [scale] * len(groups))
    cells = cells_of_groups(dict.fromkeys(groups), dict(zip(groups, noisy, strict=True)))
    score = 0.0
    for group, *counts in zip(groups, *anonymous, strict=True):
        chances = [_chance_of_reaching(MIN_CELL - count, scale) for count in counts]
        if cells[group] != group:
            chances = [1 - chance for chance in chances]
        score += log(chances[1] / chances[0])
    return cells, score


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
