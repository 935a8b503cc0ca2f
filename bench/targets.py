"""Meaning, target and known limit of each figure, read from `bench/targets.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Target", "load_targets"]

_FILE = Path(__file__).with_name("targets.toml")


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure means and which value it should reach.

    Attributes:
        meaning: What the figure measures, in Markdown.
        limit: What keeps it from being better, in Markdown.
        at_least: Lower bound of the target, if any.
        at_most: Upper bound of the target, if any.
    """

    meaning: str
    limit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether the figure has a target."""
        return self.at_least is not None or self.at_most is not None

    def is_met(self, value: float) -> bool:
        """Return whether a value is within the bounds."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )

    def __str__(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:,g}"
        return "" if self.at_most is None else f"≤ {self.at_most:,g}"


def load_targets() -> dict[str, Target]:
    """Return the targets by name of the figure, in the order of the file."""
    with _FILE.open("rb") as file:
        return {name: Target(**entry) for name, entry in tomllib.load(file).items()}
