"""A game: the adversary sees a campaign's releases and says whether the target acted.

It knows all acts except the target's, and the noise's scales. Between releases it causes
acts with any token, the target's included. Its score is the logarithm of the likelihood ratio
of all releases: no other test of the two histories has more power.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from hushpost_service.domain.cells import ReleasedCell, scale_of
from hushpost_service.domain.noise import with_noise
from hushpost_service.domain.release_plan import LINKS_PER_CONTACT, ReleasePlan

from .attack import Score
from .empirical_epsilon import Scores
from .memory_campaign import Act, MemoryCampaign

__all__ = ["TARGET", "Noise", "Strategy", "guesses", "play"]

TARGET = 0
"""The target's slot."""

Noise = Callable[[Sequence[int], Sequence[float]], list[int]]
Counts = dict[ReleasedCell, int]


def nothing(_date: int, _score: float) -> Iterable[Act]:
    """Cause no acts."""
    return ()


@dataclass(frozen=True, slots=True)
class Strategy:
    """What the target does in each of two histories, and what the adversary does.

    Attributes:
        name: What the adversary wants to know.
        dates: The number of releases.
        messages: The messages by group that the adversary has sent, at each date; the last
            entry counts for all later dates.
        histories: For both histories, the target's acts before each date.
        replay: Returns the adversary's acts before a date, from the date and its score so far.
    """

    name: str
    dates: int
    histories: tuple[dict[int, list[Act]], dict[int, list[Act]]]
    links: int = 2
    messages: tuple[dict[int, int], ...] = ({1: 1000},)
    replay: Callable[[int, float], Iterable[Act]] = nothing


@dataclass(slots=True)
class _Play:
    history: int
    score: float = 0.0
    replays: Counter[Act] = field(default_factory=Counter)


async def play(
    strategy: Strategy, plays: int, epsilon: float, noise: Noise = with_noise
) -> tuple[Scores, Scores]:
    """Play with each history, and return the scores for the first and the second."""
    plan = ReleasePlan(epsilon, strategy.dates)
    counter = _Counter(strategy)
    all_plays = [_Play(history) for history in (0, 1) for _ in range(plays)]
    for date in range(strategy.dates):
        expected = []
        for one in all_plays:
            one.replays.update(strategy.replay(date, one.score))
            expected.append([await counter.counts(date, one, history) for history in (0, 1)])
        cells = list(expected[0][0])
        scales = np.array([scale_of(plan, date, cell) for cell in cells])
        both = np.array([[list(counts.values()) for counts in pair] for pair in expected])
        # Only cells that differ tell the histories apart: in all others, the distances to
        # both are the same. So noise, which takes most of the time, is drawn for these alone.
        plays_of, cells_of = np.nonzero(both[:, 0] != both[:, 1])
        differing, scales = both[plays_of, :, cells_of], scales[cells_of]
        true = np.where(
            [all_plays[number].history for number in plays_of.tolist()], *differing.T[::-1]
        )
        released = np.array(noise(true.tolist(), scales.tolist()), dtype=np.int64)
        distances = np.abs(released[:, None] - differing) / scales[:, None]
        gains = distances[:, 0] - distances[:, 1]
        for number, gain in zip(plays_of.tolist(), gains.tolist(), strict=True):
            all_plays[number].score += gain
    scores = np.array([one.score for one in all_plays])
    return scores[:plays], scores[plays:]


def guesses(scores: tuple[Scores, Scores]) -> Score:
    """Count the plays in which the sign of the score is right."""
    without, with_act = scores
    right = int(np.sum(without <= 0) + np.sum(with_act > 0))
    return Score(len(without) + len(with_act), right)


class _Counter:
    """Counts with the service's code; keeps results that involve no random choice."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._known: dict[tuple[int, frozenset[tuple[Act, int]]], Counts] = {}
        self._cells: dict[int, dict[int, int]] = {}

    async def counts(self, date: int, one: _Play, history: int) -> Counts:
        acts = Counter(one.replays)
        for before in range(date + 1):
            acts.update(self._strategy.histories[history].get(before, ()))
        key = date, frozenset(acts.items())
        if key in self._known:
            return self._known[key]
        found = await self._counted(*key)
        links = Counter((act.slot, act.machine) for act in acts if act.signal)
        if all(number <= LINKS_PER_CONTACT for number in links.values()):
            self._known[key] = found
        return found

    async def _counted(self, date: int, acts: frozenset[tuple[Act, int]]) -> Counts:
        """Count a date's release. Groups keep the cells that they got at earlier dates."""
        if date and date - 1 not in self._cells:
            await self._counted(date - 1, frozenset())
        messages = self._strategy.messages[: date + 1][-1]
        campaign = MemoryCampaign(
            self._strategy.links, messages, acts, self._cells[date - 1] if date else None
        )
        found = (await campaign.counts()).counts
        self._cells[date] = {g: cell for g, cell in campaign.cells.items() if cell is not None}
        return found
