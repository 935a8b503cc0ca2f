"""What a soak samples, and how each series is judged."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.soak.trend import Trend, trend

__all__ = ["Recording", "Series"]


@dataclass(frozen=True, slots=True)
class Series:
    """The samples of one quantity.

    Attributes:
        name: What is sampled.
        unit: Its unit.
        floor: A rise within the run that is noise; None if growth is expected, so that the
            series is shown but not judged.
        values: One sample per time.
    """

    name: str
    unit: str
    floor: float | None
    values: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Recording:
    """All series of a run; each has a sample for each time, in seconds since the start."""

    times: list[float] = field(default_factory=list)
    series: dict[str, Series] = field(default_factory=dict)

    def add(self, time: float, samples: Sequence[tuple[str, str, float | None, float]]) -> None:
        """Add a sample of each series: its name, unit, floor and value."""
        self.times.append(time)
        for name, unit, floor, value in samples:
            series = self.series.setdefault(name, Series(name, unit, floor))
            # A table that was created later was empty before.
            series.values.extend([0.0] * (len(self.times) - 1 - len(series.values)))
            series.values.append(value)

    def trends(self) -> dict[str, Trend]:
        """Return the trend of each series that is judged."""
        return {
            name: trend(self.times, series.values, series.floor)
            for name, series in self.series.items()
            if series.floor is not None
        }

    def growing(self) -> list[str]:
        """Return the names of the series that grow."""
        return [name for name, each in self.trends().items() if each.is_growing]
