"""Builds a report from a campaign's numbers: sums over groups, links and hours. Pure."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from hushpost_service.domain.cells import ANY_LINK, OPENS, SHARED
from hushpost_service.domain.consent import Purpose
from hushpost_service.domain.counters import NOTHING, Count
from hushpost_service.domain.mode_counts import consistent, mode_scale
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.noise import margin
from hushpost_service.stats.anonymous import anonymous_numbers
from hushpost_service.stats.engagement import (
    Engagement,
    Rates,
    Sent,
    Signal,
    engagement_of,
    rates_of,
)
from hushpost_service.stats.service import CampaignNumbers
from hushpost_service.storage.stats import HourCell

__all__ = [
    "CampaignReport",
    "GroupReport",
    "HourReport",
    "LinkReport",
    "ReleaseInfo",
]

_IDENTIFIED = int(Mode.IDENTIFIED)

_FIELD_OF_MODE = {
    Mode.IDENTIFIED: "identified",
    Mode.ANONYMOUS: "anonymous",
    Mode.AGGREGATE: "aggregate",
    Mode.OFF: "off",
}


@dataclass(frozen=True, slots=True)
class ReleaseInfo:
    """How the anonymous numbers are released. `epsilon` is 0 if they are exact."""

    is_exact: bool
    epsilon: float
    release_time: datetime | None
    next_release_time: datetime | None


@dataclass(frozen=True, slots=True)
class GroupReport:
    """The numbers of a group; `sent` by the mode of opens, `clicks_sent` by that of clicks."""

    group_id: str
    sent: Sent
    clicks_sent: Sent
    opens: Signal
    clicks: Signal
    rates: Rates


@dataclass(frozen=True, slots=True)
class LinkReport:
    """The numbers of a link."""

    number: int
    url: str
    label: str
    clicks: Signal


@dataclass(frozen=True, slots=True)
class HourReport:
    """The messages sent in an hour, given in hours since 1970, and identified events."""

    hour: int
    sent: Sent
    opens: Signal
    clicks: Signal


class CampaignReport:
    """The numbers of a campaign. A part is built when it is read first.

    A summary of a campaign with thousands of groups thus costs a tenth of the full report.
    Building parts in several threads at once is safe: they build the same.

    Attributes:
        campaign_id: The campaign.
        release: How the anonymous numbers are released.
        numbers: What the report is built from.
    """

    def __init__(self, numbers: CampaignNumbers) -> None:
        release = numbers.release
        self.campaign_id = numbers.campaign.campaign_id
        self.release = ReleaseInfo(
            release.is_exact,
            0 if release.is_exact else release.epsilon,
            release.last_time,
            release.next_time,
        )
        self.numbers = numbers
        self._anonymous = anonymous_numbers(numbers)
        self._own = frozenset(self._anonymous.cells)
        self._all = range(1, len(numbers.campaign.groups) + 1)
        self._sent_to: defaultdict[int, int] = defaultdict(int)
        self._sent_in: defaultdict[int, int] = defaultdict(int)
        self._by_mode: defaultdict[tuple[int, Purpose, Mode], int] = defaultdict(int)
        self._by_hour: defaultdict[tuple[int, int], int] = defaultdict(int)
        is_exact = numbers.exact is not None
        for group, purpose, mode, hour, messages in numbers.sent:
            if is_exact:
                self._by_mode[group, purpose, mode] += messages
            if purpose == Purpose.CLICKS:
                continue  # the same messages
            self._sent_to[group] += messages
            self._sent_in[hour] += messages
            if is_exact:
                self._by_hour[hour, mode] += messages
        if numbers.released is not None:
            self._by_mode.update(numbers.released.sent.by_mode)

    @property
    def size(self) -> int:
        """The number of groups and links."""
        return self.numbers.size

    @cached_property
    def total(self) -> GroupReport:
        """The numbers of all groups together; its `group_id` is empty."""
        return self._group("", self._all, self._anonymous.cells)

    @cached_property
    def groups(self) -> tuple[GroupReport, ...]:
        """The numbers of each group, in the order of their creation."""
        return tuple(
            self._group(group.group_id, (number,), (number,) if number in self._own else ())
            for number, group in enumerate(self.numbers.campaign.groups, 1)
        )

    @cached_property
    def other_groups(self) -> GroupReport | None:
        """The numbers of the groups that share a cell; None if there are none."""
        if SHARED not in self._own:
            return None
        return self._group("", [each for each in self._all if each not in self._own], (SHARED,))

    @cached_property
    def links(self) -> tuple[LinkReport, ...]:
        """The numbers of each link, by ascending number."""
        sent = self.total.clicks_sent
        released = self._released(sent, self._anonymous.cells)
        return tuple(
            LinkReport(
                link.number,
                link.url,
                link.label,
                self._signal((SHARED,), link.number, (0,), sent, released),
            )
            for link in self.numbers.campaign.links
        )

    @cached_property
    def hours(self) -> tuple[HourReport, ...]:
        """The hours with messages or identified events, ascending."""
        identified = self.numbers.identified.hours
        hours = {*self._sent_in, *(cell.hour for cell in identified)}
        return tuple(self._hour(hour, identified) for hour in sorted(hours))

    def _group(self, group_id: str, groups: Collection[int], cells: Collection[int]) -> GroupReport:
        """Return the numbers of groups together; `cells` are those with anonymous numbers."""
        sent = self._sent(Purpose.OPENS, groups, cells)
        clicks_sent = self._sent(Purpose.CLICKS, groups, cells)
        opens = self._signal(cells, OPENS, groups, sent, self._released(sent, cells))
        clicks = self._signal(
            cells, ANY_LINK, groups, clicks_sent, self._released(clicks_sent, cells)
        )
        rates = rates_of(sent, clicks_sent, opens, clicks)
        return GroupReport(group_id, sent, clicks_sent, opens, clicks, rates)

    def _sent(self, purpose: Purpose, groups: Collection[int], cells: Collection[int]) -> Sent:
        """Return the messages sent to groups, by mode as far as their cells show it."""
        total = sum([self._sent_to.get(group, 0) for group in groups])
        if not cells:
            return Sent(total)
        by_mode = {
            mode: sum([self._by_mode.get((cell, purpose, mode), 0) for cell in cells])
            for mode in Mode
        }
        reach = 0
        released = self.numbers.released
        if released is not None:
            by_mode = consistent(by_mode, sum([released.sent.totals[cell] for cell in cells]))
            reach = margin([mode_scale(self.numbers.release.epsilon)] * len(cells))
        return Sent(
            total,
            **{field: by_mode[mode] for mode, field in _FIELD_OF_MODE.items()},
            margin=reach,
        )

    def _released(self, sent: Sent, cells: Collection[int]) -> Sent:
        """Return the messages that had been sent at the release."""
        released = self.numbers.released
        if released is None or not cells:
            return sent
        return replace(sent, total=sum([released.sent.totals[cell] for cell in cells]))

    def _signal(
        self,
        cells: Collection[int],
        signal: int,
        groups: Collection[int],
        sent: Sent,
        released: Sent,
    ) -> Signal:
        """Return opens or clicks; the clicks on link `signal` with group and cell 0."""
        number = 1 if signal == ANY_LINK else signal

        def engagement(*, machine: bool) -> Engagement:
            identified = self._identified(groups, number, machine=machine)
            if not cells:
                return Engagement(identified)
            people = self._anonymous.sum(cells, signal, machine=machine, mode=Mode.ANONYMOUS)
            events = self._anonymous.sum(cells, signal, machine=machine, mode=Mode.AGGREGATE)
            return engagement_of(identified, people, events, sent, released)

        return Signal(engagement(machine=False), engagement(machine=True))

    def _identified(self, groups: Collection[int], signal: int, *, machine: bool) -> Count:
        """Return the sum of identified counts of groups."""
        # Tuples equal the cells, and cost a quarter of what making cells would.
        get = self.numbers.identified.cells.get
        counts: list[Count] = [
            get((group, signal, machine, _IDENTIFIED), NOTHING)  # type: ignore[call-overload]
            for group in groups
        ]
        if len(counts) == 1:
            return counts[0]
        return Count(
            sum([count.total for count in counts]), sum([count.unique for count in counts])
        )

    def _hour(self, hour: int, identified: dict[HourCell, Count]) -> HourReport:
        by_mode = {
            field: self._by_hour.get((hour, mode), 0) for mode, field in _FIELD_OF_MODE.items()
        }

        def signal(number: int) -> Signal:
            human, machine = (
                Engagement(
                    identified.get(HourCell(hour, number, is_machine, Mode.IDENTIFIED), NOTHING)
                )
                for is_machine in (False, True)
            )
            return Signal(human, machine)

        return HourReport(hour, Sent(self._sent_in[hour], **by_mode), signal(0), signal(1))
