"""What a reader of reports learns about the consent of one contact."""

from collections.abc import Sequence

import pytest

from hushpost_service.domain.modes import Mode
from hushpost_service.domain.noise import with_noise
from hushpost_service.domain.release_plan import MIN_CELL

from .attack import FULL, Attack
from .conftest import Report
from .consent_game import ConsentStrategy, play_for_consent
from .empirical_epsilon import epsilon_lower_bound
from .release_game import guesses

EPSILON = 2.0
CONFIDENCE = 0.999
PLAYS = 10_000 if FULL else 300
"""With each of the two histories."""

STRATEGIES = [
    ConsentStrategy("consent: a campaign for the target alone", ({},)),
    ConsentStrategy(
        "consent: among 1,000 others",
        ({(1, Mode.ANONYMOUS): 300, (1, Mode.IDENTIFIED): 700},),
    ),
    ConsentStrategy(
        "consent: the message decides about a cell", ({(1, Mode.ANONYMOUS): MIN_CELL - 1},)
    ),
    ConsentStrategy(
        "consent: messages to others before each date",
        ({(1, Mode.IDENTIFIED): 5}, *[{(1, Mode.ANONYMOUS): 1}] * 3),
        target=(1, 1),
    ),
    ConsentStrategy(
        "consent: counted, or without tracking",
        ({(1, Mode.IDENTIFIED): 50},),
        modes=(Mode.OFF, Mode.ANONYMOUS),
    ),
]


def exact(numbers: Sequence[int], _scales: Sequence[float]) -> list[int]:
    """Release without noise."""
    return list(numbers)


def too_little(numbers: Sequence[int], scales: Sequence[float]) -> list[int]:
    """Release with a third of the noise."""
    return with_noise(numbers, [scale / 3 for scale in scales])


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.name)
def test_reports_reveal_at_most_epsilon_of_a_consent(
    strategy: ConsentStrategy, report: Report
) -> None:
    """The reader's success allows no conclusion that epsilon is greater than declared."""
    scores = play_for_consent(strategy, PLAYS, EPSILON)
    control = guesses(play_for_consent(strategy, 50, EPSILON, exact))
    found = epsilon_lower_bound(*scores, CONFIDENCE)
    report(Attack(f"{strategy.name}: ε ≥ {found:.2f}", guesses(scores), control, 0.5))
    assert control.share > 0.9
    assert found <= EPSILON


def test_too_little_noise_is_found() -> None:
    """The game is sharp enough to see that a third of the noise costs more than epsilon."""
    scores = play_for_consent(STRATEGIES[-1], max(PLAYS, 3_000), EPSILON, too_little)
    assert epsilon_lower_bound(*scores, CONFIDENCE) > EPSILON
