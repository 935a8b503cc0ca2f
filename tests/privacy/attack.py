"""Success rates of attacks, against the real system and against a control without the defence."""

import os
from dataclasses import dataclass

__all__ = ["FULL", "SEED", "Attack", "Score"]

FULL = os.environ.get("HUSHPOST_TEST_PRIVACY") == "full"
"""Whether to run the full number of attempts, or only enough to check that the attack works."""

SEED = int(os.environ.get("HUSHPOST_TEST_PRIVACY_SEED", "20261123"))
"""Seed of the attacks' random choices."""


@dataclass(frozen=True, slots=True)
class Score:
    """Attempts and successes of an attack."""

    tried: int
    succeeded: int

    @property
    def share(self) -> float:
        """The share of successes, from 0 to 1."""
        return self.succeeded / self.tried


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack on the real system, and the same attack on a control.

    The control is a system without the defence under test. The attack must succeed
    there, otherwise its failure against the real system proves nothing.

    Attributes:
        chance: The share of successes that random guessing achieves.
    """

    name: str
    real: Score
    control: Score
    chance: float = 0.0
