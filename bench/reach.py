"""What each figure shall reach, what it means and what limits it: `bench/reaches.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Reach", "reaches"]

_FILE = Path(__file__).with_name("reaches.toml")


@dataclass(frozen=True, slots=True)
class Reach:
    """A figure is reached when it is at least, or at most, the given number.

    `meaning` and `limit` are Markdown for the page of figures: what the figure
    says, and what keeps it from being better.
    """

    meaning: str
    limit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is a number to reach."""
        return self.at_least is not None or self.at_most is not None

    def is_reached(self, value: float) -> bool:
        """Tell whether a value is on the right side."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )

    def __str__(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:,g}"
        return "" if self.at_most is None else f"≤ {self.at_most:,g}"


def reaches() -> dict[str, Reach]:
    """Return what the file says, by name of the figure, in its order."""
    with _FILE.open("rb") as file:
        return {name: Reach(**entry) for name, entry in tomllib.load(file).items()}
