"""Builds a report from a campaign's numbers: sums over groups, links and hours. Pure."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

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
from hushpost_service.storage.stats import Cell, HourCell

__all__ = [
    "CampaignReport",
    "GroupReport",
    "HourReport",
    "LinkReport",
    "ReleaseInfo",
    "build_report",
]

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


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """The numbers of a campaign.

    `sent` has the messages by the mode of opens, `clicks_sent` by that of clicks.
    `other_groups` are the groups that share a cell; None if there are none.
    """

    campaign_id: str
    release: ReleaseInfo
    sent: Sent
    clicks_sent: Sent
    opens: Signal
    clicks: Signal
    rates: Rates
    groups: tuple[GroupReport, ...]
    other_groups: GroupReport | None
    links: tuple[LinkReport, ...]
    hours: tuple[HourReport, ...]


def build_report(numbers: CampaignNumbers) -> CampaignReport:
    """Build the report of a campaign."""
    return _Report(numbers).campaign()


class _Report:
    """Builds the parts of a report."""

    def __init__(self, numbers: CampaignNumbers) -> None:
        self._numbers = numbers
        self._anonymous = anonymous_numbers(numbers)
        self._sent_to: Counter[int] = Counter()
        self._sent_in: Counter[int] = Counter()
        self._by_mode: Counter[tuple[int, Purpose, Mode]] = Counter()
        self._by_hour: Counter[tuple[int, Mode]] = Counter()
        is_exact = numbers.exact is not None
        for group, purpose, mode, hour, messages in numbers.sent:
            if is_exact:
                self._by_mode[group, purpose, mode] += messages
            if purpose is Purpose.CLICKS:
                continue  # the same messages
            self._sent_to[group] += messages
            self._sent_in[hour] += messages
            if is_exact:
                self._by_hour[hour, mode] += messages
        if numbers.released is not None:
            self._by_mode.update(numbers.released.sent.by_mode)

    def campaign(self) -> CampaignReport:
        """Return the report."""
        numbers = self._numbers
        groups = range(1, len(numbers.campaign.groups) + 1)
        total = self._group("", groups, self._anonymous.cells)
        release = numbers.release
        released = self._released(total.clicks_sent, self._anonymous.cells)
        return CampaignReport(
            campaign_id=numbers.campaign.campaign_id,
            release=ReleaseInfo(
                release.is_exact,
                0 if release.is_exact else release.epsilon,
                release.last_time,
                release.next_time,
            ),
            sent=total.sent,
            clicks_sent=total.clicks_sent,
            opens=total.opens,
            clicks=total.clicks,
            rates=total.rates,
            groups=tuple(
                self._group(group.group_id, [number], self._own_cells(number))
                for number, group in enumerate(numbers.campaign.groups, 1)
            ),
            other_groups=self._other_groups(groups),
            links=tuple(
                LinkReport(
                    link.number,
                    link.url,
                    link.label,
                    self._signal([SHARED], link.number, [0], total.clicks_sent, released),
                )
                for link in numbers.campaign.links
            ),
            hours=self._hours(),
        )

    def _own_cells(self, group: int) -> Collection[int]:
        return [group] if group in self._anonymous.cells else []

    def _other_groups(self, groups: Collection[int]) -> GroupReport | None:
        if SHARED not in self._anonymous.cells:
            return None
        own = set(self._anonymous.cells)
        return self._group("", [group for group in groups if group not in own], [SHARED])

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
        by_mode = {mode: sum(self._by_mode[cell, purpose, mode] for cell in cells) for mode in Mode}
        reach = 0
        released = self._numbers.released
        if released is not None and cells:
            by_mode = consistent(by_mode, sum(released.sent.totals[cell] for cell in cells))
            reach = margin([mode_scale(self._numbers.release.epsilon)] * len(cells))
        return Sent(
            sum(self._sent_to[group] for group in groups),
            **{field: by_mode[mode] for mode, field in _FIELD_OF_MODE.items()},
            margin=reach,
        )

    def _released(self, sent: Sent, cells: Collection[int]) -> Sent:
        """Return the messages that had been sent at the release."""
        released = self._numbers.released
        if released is None:
            return sent
        return replace(sent, total=sum(released.sent.totals[cell] for cell in cells))

    def _signal(
        self,
        cells: Collection[int],
        signal: int,
        groups: Collection[int],
        sent: Sent,
        released: Sent,
    ) -> Signal:
        """Return opens or clicks; the clicks on link `signal` with group and cell 0."""

        def engagement(*, machine: bool) -> Engagement:
            number = 1 if signal == ANY_LINK else signal
            identified = self._numbers.identified.cells
            return engagement_of(
                sum(
                    (
                        identified.get(Cell(group, number, machine, Mode.IDENTIFIED), NOTHING)
                        for group in groups
                    ),
                    NOTHING,
                ),
                self._anonymous.sum(cells, signal, machine=machine, mode=Mode.ANONYMOUS),
                self._anonymous.sum(cells, signal, machine=machine, mode=Mode.AGGREGATE),
                sent,
                released,
            )

        return Signal(engagement(machine=False), engagement(machine=True))

    def _hours(self) -> tuple[HourReport, ...]:
        identified = self._numbers.identified.hours
        hours = {*self._sent_in, *(cell.hour for cell in identified)}
        return tuple(self._hour(hour, identified) for hour in sorted(hours))

    def _hour(self, hour: int, identified: dict[HourCell, Count]) -> HourReport:
        by_mode = {field: self._by_hour[hour, mode] for mode, field in _FIELD_OF_MODE.items()}

        def signal(number: int) -> Signal:
            human, machine = (
                Engagement(
                    identified.get(HourCell(hour, number, is_machine, Mode.IDENTIFIED), NOTHING)
                )
                for is_machine in (False, True)
            )
            return Signal(human, machine)

        return HourReport(hour, Sent(self._sent_in[hour], **by_mode), signal(0), signal(1))
