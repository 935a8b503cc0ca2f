"""What an attack achieved, beside what it achieves where there is no defence."""

import os
from dataclasses import dataclass

import pytest

__all__ = ["ATTACKS", "FULL", "SEED", "Attack", "Score"]

FULL = os.environ.get("HUSHPOST_PRIVACY") == "full"
"""Whether attacks are tried as often as they deserve, or just often enough to be seen to work."""

SEED = int(os.environ.get("HUSHPOST_PRIVACY_SEED", "20261123"))
"""What random choices of the attacks start from."""


@dataclass(frozen=True, slots=True)
class Score:
    """How often something was tried, and how often it succeeded."""

    tried: int
    succeeded: int

    @property
    def share(self) -> float:
        """The share of successes, from 0 to 1."""
        return self.succeeded / self.tried


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack on the real thing, and the same attack on its control.

    The control is a system without the defence in question: the attack has to
    succeed there, or it shows nothing. `chance` is the share of successes that
    guessing has.
    """

    name: str
    real: Score
    control: Score
    chance: float = 0.0


ATTACKS = pytest.StashKey[list[Attack]]()
"""The attacks of a run, for its summary."""
