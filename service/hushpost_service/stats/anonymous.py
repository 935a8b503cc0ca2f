"""The anonymous numbers of a campaign that may be shown, exact or released with noise. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hushpost_service.domain.cells import ANY_LINK, OPENS, SHARED, ReleasedCell, kind_of
from hushpost_service.domain.counters import NOTHING, Count
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.release_plan import CountKind, ReleasePlan
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


@dataclass(frozen=True, slots=True)
class AnonymousNumbers:
    """The anonymous numbers of a campaign.

    Attributes:
        cells: The cells of groups, which add up to the campaign.
        counts: The numbers by place.
        scales: The scale of their noise, by kind and whether machines are counted; empty if
            they are exact.
        missing: The number of other places; None if they have no number that may be shown.
    """

    cells: Sequence[int] = ()
    counts: Mapping[ReleasedCell, Count] = field(default_factory=dict)
    scales: Mapping[tuple[CountKind, bool], float] = field(default_factory=dict)
    missing: Count | None = None

    def sum(self, cells: Iterable[int], signal: int, *, machine: bool, mode: Mode) -> Part | None:
        """Return the sum over cells; None if none of them has a number."""
        # Tuples equal the cells, and cost a quarter of what making cells would.
        get, number = self.counts.get, int(mode)
        found = [
            count
            for cell in cells
            if (count := get((cell, signal, machine, number), self.missing)) is not None  # type: ignore[call-overload]
        ]
        if not found:
            return None
        total = found[0] if len(found) == 1 else sum(found, NOTHING)
        if not self.scales:
            return Part(total)
        return Part(total, (self.scales[kind_of(signal), machine],) * len(found))


def anonymous_numbers(numbers: CampaignNumbers) -> AnonymousNumbers:
    """Return the anonymous numbers of a campaign; none before the first release."""
    release = numbers.release
    if numbers.exact is not None:
        return AnonymousNumbers(
            range(1, len(numbers.campaign.groups) + 1),
            {_place(cell): count for cell, count in numbers.exact.items()},
            missing=NOTHING,
        )
    if numbers.released is None or release.last is None:
        return AnonymousNumbers()
    plan = ReleasePlan(release.epsilon, release.dates)
    counts = numbers.released.counts
    return AnonymousNumbers(
        sorted({cell for cell, signal, _, _ in counts if signal == OPENS}),
        {
            place: Count(0, number) if place.mode == Mode.ANONYMOUS else Count(number, 0)
            for place, number in counts.items()
        },
        {
            (kind, machine): plan.scale(release.last, kind, machine=machine)
            for kind in CountKind
            for machine in (False, True)
        },
    )


def _place(cell: Cell) -> ReleasedCell:
    """Return the place of a live count if each group has a cell."""
    group, signal, machine, mode = cell
    if not group:
        return ReleasedCell(SHARED, signal, machine, mode)
    return ReleasedCell(group, ANY_LINK if signal else OPENS, machine, mode)
