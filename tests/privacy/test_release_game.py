"""What an adversary that knows everything else learns about one contact from the releases."""

from collections.abc import Iterable, Sequence

import pytest

from hushpost_service.domain.noise import with_noise
from hushpost_service.releases import counts

from .attack import FULL, Attack
from .conftest import Report
from .empirical_epsilon import binomial_bounds, epsilon_lower_bound
from .memory_campaign import STORAGE, Act, MemoryCampaign
from .release_game import TARGET, Strategy, guesses, play

EPSILON = 2.0
CONFIDENCE = 0.999
PLAYS = 10_000 if FULL else 600
"""With each of the two histories."""

OPEN = Act(TARGET, 0)
CLICK = Act(TARGET, 1)
EVERYTHING = [Act(TARGET, signal, machine) for signal in (0, 1, 2) for machine in (False, True)]
IN_GROUP_2 = [act._replace(group=2) for act in EVERYTHING]


def replay_if_unseen(date: int, score: float) -> Iterable[Act]:
    """Open with fresh tokens; use the target's too if it does not seem to have acted."""
    fresh = [Act(slot, 0) for slot in range(1 + 9 * date, 10 + 9 * date)]
    return [*fresh, OPEN] if date and score < 0 else fresh


def replay_other_links(date: int, score: float) -> Iterable[Act]:
    """Click further links with the target's token, so that its counted links change."""
    return [Act(TARGET, 3 + date if score > 0 else 5 + date)]


STRATEGIES = [
    Strategy("all acts, one release", 1, ({}, {0: EVERYTHING})),
    Strategy("all acts, four releases", 4, ({}, {0: EVERYTHING})),
    Strategy("an open, replays in between", 4, ({}, {0: [OPEN]}), replay=replay_if_unseen),
    Strategy("a click", 1, ({}, {0: [CLICK]})),
    Strategy(
        "which links",
        1,
        (
            {0: [Act(TARGET, 1), Act(TARGET, 2)]},
            {0: [Act(TARGET, 3), Act(TARGET, 4)]},
        ),
        links=4,
    ),
    Strategy(
        "which link, others replayed",
        2,
        ({0: [Act(TARGET, 1)]}, {0: [Act(TARGET, 2)]}),
        links=6,
        replay=replay_other_links,
    ),
    Strategy("an open before an opt-out", 3, ({}, {1: [OPEN]})),
    Strategy("acted first or last", 4, ({3: [OPEN]}, {0: [OPEN]})),
    Strategy("one AGGREGATE click", 1, ({}, {0: [Act(None, 1)]})),
    Strategy(
        "all acts, a cell for the target's group",
        4,
        ({}, {0: IN_GROUP_2}),
        messages=({1: 1000, 2: 600},),
    ),
    Strategy(
        "all acts, the target alone in its group",
        4,
        ({}, {1: IN_GROUP_2}),
        messages=({1: 1000}, {1: 1000, 2: 1}),
    ),
    Strategy(
        "all acts, the target's group grows",
        4,
        ({}, {1: IN_GROUP_2}),
        messages=({1: 1000, 2: 10}, {1: 1000, 2: 5000}),
    ),
]


@pytest.fixture(autouse=True)
def _storage_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "storage", STORAGE)
    monkeypatch.setattr(counts, "anonymous_counts", MemoryCampaign.anonymous_counts)


def exact(numbers: Sequence[int], _scales: Sequence[float]) -> list[int]:
    """Release without noise."""
    return list(numbers)


def too_little(numbers: Sequence[int], scales: Sequence[float]) -> list[int]:
    """Release with half of the noise."""
    return with_noise(numbers, [scale / 2 for scale in scales])


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.name)
async def test_releases_reveal_at_most_epsilon(strategy: Strategy, report: Report) -> None:
    """The adversary's success allows no conclusion that epsilon is greater than declared."""
    scores = await play(strategy, PLAYS, EPSILON)
    control = await play(strategy, 50, EPSILON, exact)
    found = epsilon_lower_bound(*scores, CONFIDENCE)
    report(Attack(f"{strategy.name}: ε ≥ {found:.2f}", guesses(scores), guesses(control), 0.5))
    assert guesses(control).share > 0.9
    assert found <= EPSILON


async def test_too_little_noise_is_found() -> None:
    """The game is sharp enough to see that half of the noise costs more than epsilon."""
    scores = await play(STRATEGIES[0], max(PLAYS, 6_000), EPSILON, too_little)
    assert epsilon_lower_bound(*scores, CONFIDENCE) > EPSILON


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 10, 0.0, 0.3085), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1.0)],
)
def test_bounds_of_probabilities(successes: int, trials: int, low: float, high: float) -> None:
    """They are those of published tables (95 %, two-sided)."""
    assert binomial_bounds(successes, trials, 0.95) == pytest.approx((low, high), abs=1e-4)
