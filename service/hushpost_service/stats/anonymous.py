"""The anonymous numbers of a campaign that may be shown, exact or released with noise. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from hushpost_service.domain.cells import ANY_LINK, OPENS, SHARED, ReleasedCell, scale_of
from hushpost_service.domain.counters import NOTHING, Count
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.release_plan import ReleasePlan
from hushpost_service.stats.service import CampaignNumbers
from hushpost_service.storage.stats import Cell

__all__ = ["AnonymousNumbers", "Part", "anonymous_numbers"]


@dataclass(frozen=True, slots=True)
class Part:
    """An anonymous number that can be added to others.

    Attributes:
        count: The number, not clamped. With noise, only people or only events.
        scales: The scales of the noise that it contains; empty if it is exact.
    """

    count: Count = NOTHING
    scales: Sequence[float] = ()

    @staticmethod
    def sum(parts: Iterable["Part"]) -> "Part":
        """Return the sum of parts."""
        added = list(parts)
        return Part(
            sum((part.count for part in added), NOTHING),
            tuple(chain.from_iterable(part.scales for part in added)),
        )


@dataclass(frozen=True, slots=True)
class AnonymousNumbers:
    """The anonymous numbers of a campaign.

    Attributes:
        cells: The cells of groups, which add up to the campaign.
        parts: The numbers by place.
        missing: The number of other places; None if they have no number that may be shown.
    """

    cells: Sequence[int] = ()
    parts: Mapping[ReleasedCell, Part] = field(default_factory=dict)
    missing: Part | None = None

    def sum(self, cells: Iterable[int], signal: int, *, machine: bool, mode: Mode) -> Part | None:
        """Return the sum over cells; None if none of them has a number."""
        parts = [
            part
            for cell in cells
            if (part := self.parts.get(ReleasedCell(cell, signal, machine, mode), self.missing))
            is not None
        ]
        return Part.sum(parts) if parts else None


def anonymous_numbers(numbers: CampaignNumbers) -> AnonymousNumbers:
    """Return the anonymous numbers of a campaign; none before the first release."""
    release = numbers.release
    if numbers.exact is not None:
        return AnonymousNumbers(
            range(1, len(numbers.campaign.groups) + 1),
            {_place(cell): Part(count) for cell, count in numbers.exact.items()},
            Part(),
        )
    if numbers.released is None or release.last is None:
        return AnonymousNumbers()
    plan = ReleasePlan(release.epsilon, release.dates)
    parts = {}
    for place, number in numbers.released.counts.items():
        count = Count(0, number) if place.mode == Mode.ANONYMOUS else Count(number, 0)
        parts[place] = Part(count, (scale_of(plan, release.last, place),))
    return AnonymousNumbers(sorted({place.cell for place in parts if place.signal == OPENS}), parts)


def _place(cell: Cell) -> ReleasedCell:
    """Return the place of a live count if each group has a cell."""
    group, signal, machine, mode = cell
    if not group:
        return ReleasedCell(SHARED, signal, machine, mode)
    return ReleasedCell(group, ANY_LINK if signal else OPENS, machine, mode)
