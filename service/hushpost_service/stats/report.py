"""Builds a report from a campaign's numbers: sums over groups, links and hours, and rates. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add

from hushpost_service.domain.modes import Mode
from hushpost_service.domain.release import NOTHING, Count
from hushpost_service.stats.service import CampaignNumbers
from hushpost_service.storage.stats import Cell, HourCell

__all__ = [
    "CampaignReport",
    "Engagement",
    "GroupReport",
    "HourReport",
    "LinkReport",
    "Rate",
    "Rates",
    "Sent",
    "Signal",
    "build_report",
]

_OPENS, _CLICKS = 0, 1


@dataclass(frozen=True, slots=True)
class Sent:
    """The number of messages sent, by mode."""

    identified: int = 0
    anonymous: int = 0
    aggregate: int = 0
    off: int = 0

    @property
    def trackable(self) -> int:
        """The number of messages that can cause events."""
        return self.identified + self.anonymous + self.aggregate


@dataclass(frozen=True, slots=True)
class Engagement:
    """Events and people, by mode."""

    identified: Count = NOTHING
    anonymous: Count = NOTHING
    aggregate: Count = NOTHING

    def __add__(self, other: "Engagement") -> "Engagement":
        return Engagement(
            self.identified + other.identified,
            self.anonymous + other.anonymous,
            self.aggregate + other.aggregate,
        )


_NO_ENGAGEMENT = Engagement()


@dataclass(frozen=True, slots=True)
class Signal:
    """Opens or clicks, by people and by machines."""

    human: Engagement = _NO_ENGAGEMENT
    machine: Engagement = _NO_ENGAGEMENT

    def __add__(self, other: "Signal") -> "Signal":
        return Signal(self.human + other.human, self.machine + other.machine)


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate, split into the identified and the anonymous share of one denominator."""

    identified: float
    anonymous: float

    @property
    def combined(self) -> float:
        """The rate of identified and published anonymous people together."""
        return self.identified + self.anonymous


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of distinct people; events by machines do not count."""

    open_rate: Rate
    click_through_rate: Rate
    click_to_open_rate: Rate


@dataclass(frozen=True, slots=True)
class GroupReport:
    """The numbers of a group."""

    group_id: str
    sent: Sent
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
    """The numbers of an hour, given in hours since 1970."""

    hour: int
    sent: Sent
    opens: Signal
    clicks: Signal


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """The numbers of a campaign.

    `held_back` is whether anonymous numbers may be incomplete. It depends on the quorum and
    on the messages sent only: if it depended on events, it would reveal them.
    """

    campaign_id: str
    quorum: int
    held_back: bool
    sent: Sent
    opens: Signal
    clicks: Signal
    rates: Rates
    groups: tuple[GroupReport, ...]
    links: tuple[LinkReport, ...]
    hours: tuple[HourReport, ...]


def build_report(numbers: CampaignNumbers) -> CampaignReport:
    """Build the report of a campaign; its totals are the sums over its groups."""
    groups = tuple(
        _group_report(numbers, number, group_id)
        for number, group_id in enumerate(numbers.campaign.groups, 1)
    )
    sent = _sent(numbers, lambda _group, _hour: True)
    opens = _sum(group.opens for group in groups)
    clicks = _sum(group.clicks for group in groups)
    return CampaignReport(
        campaign_id=numbers.campaign.campaign_id,
        quorum=numbers.quorum,
        held_back=numbers.quorum > 1 and sent.trackable > 0,
        sent=sent,
        opens=opens,
        clicks=clicks,
        rates=_rates(sent, opens, clicks),
        groups=groups,
        links=tuple(
            LinkReport(link.number, link.url, link.label, _signal(numbers, 0, link.number))
            for link in numbers.campaign.links
        ),
        hours=_hour_reports(numbers),
    )


def _group_report(numbers: CampaignNumbers, number: int, group_id: str) -> GroupReport:
    sent = _sent(numbers, lambda group, _hour: group == number)
    opens = _signal(numbers, number, _OPENS)
    clicks = _signal(numbers, number, _CLICKS)
    return GroupReport(group_id, sent, opens, clicks, _rates(sent, opens, clicks))


def _hour_reports(numbers: CampaignNumbers) -> tuple[HourReport, ...]:
    hours = {hour for _, _, hour, _ in numbers.sent}
    hours |= {cell.hour for cell in numbers.identified.hours}
    hours |= {cell.hour for cell in numbers.published.hours}
    return tuple(_hour_report(numbers, hour) for hour in sorted(hours))


def _hour_report(numbers: CampaignNumbers, number: int) -> HourReport:
    return HourReport(
        number,
        _sent(numbers, lambda _group, hour: hour == number),
        _hour_signal(numbers, number, _OPENS),
        _hour_signal(numbers, number, _CLICKS),
    )


def _sent(numbers: CampaignNumbers, includes: Callable[[int, int], bool]) -> Sent:
    """Sum the messages of those (group, hour) that `includes` selects."""
    by_mode = dict.fromkeys(Mode, 0)
    for group, mode, hour, messages in numbers.sent:
        if includes(group, hour):
            by_mode[Mode(mode)] += messages
    return Sent(*by_mode.values())


def _signal(numbers: CampaignNumbers, group: int, signal: int) -> Signal:
    """Return a group's opens or clicks; with group 0, the clicks on link `signal`."""

    def engagement(*, machine: bool) -> Engagement:
        place = (group, signal, machine)
        published = numbers.published.cells
        return Engagement(
            numbers.identified.cells.get(Cell(*place, Mode.IDENTIFIED), NOTHING),
            published.get(Cell(*place, Mode.ANONYMOUS), NOTHING),
            published.get(Cell(*place, Mode.AGGREGATE), NOTHING),
        )

    return Signal(engagement(machine=False), engagement(machine=True))


def _hour_signal(numbers: CampaignNumbers, hour: int, signal: int) -> Signal:
    """Return an hour's opens or clicks."""

    def engagement(*, machine: bool) -> Engagement:
        place = (hour, signal, machine)
        published = numbers.published.hours
        return Engagement(
            numbers.identified.hours.get(HourCell(*place, Mode.IDENTIFIED), NOTHING),
            published.get(HourCell(*place, Mode.ANONYMOUS), NOTHING),
            published.get(HourCell(*place, Mode.AGGREGATE), NOTHING),
        )

    return Signal(engagement(machine=False), engagement(machine=True))


def _sum(signals: Iterable[Signal]) -> Signal:
    return reduce(add, signals, Signal())


def _rates(sent: Sent, opens: Signal, clicks: Signal) -> Rates:
    openers = opens.human.identified.unique + opens.human.anonymous.unique
    return Rates(
        open_rate=_rate(opens.human, sent.trackable),
        click_through_rate=_rate(clicks.human, sent.trackable),
        click_to_open_rate=_rate(clicks.human, openers),
    )


def _rate(people: Engagement, denominator: int) -> Rate:
    if denominator == 0:
        return Rate(0, 0)
    return Rate(people.identified.unique / denominator, people.anonymous.unique / denominator)
