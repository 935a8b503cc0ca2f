"""Predicts a campaign's numbers from what was sent. Pure.

Written from the interface's words alone, in the plainest way that is right: a
list of all events, gone through once per number. It shares no code and no
shortcut with the authority, so that the two cannot be wrong together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hushpost_client import (
    CampaignStats,
    Count,
    EngagementStats,
    GroupStats,
    HourStats,
    LinkStats,
    Mode,
    NewLink,
    Rate,
    Rates,
    SentStats,
    SignalStats,
    Verdict,
)

__all__ = ["Model"]

_MACHINES = (Verdict.PREFETCH, Verdict.SCANNER)
_NOBODY = Count(0, 0)


@dataclass(slots=True)
class _Message:
    group: str
    mode: Mode
    sent_mode: Mode
    sent: datetime


@dataclass(slots=True)
class _Event:
    """What one event counts for. `link` 0 is an open."""

    message: int
    link: int
    time: datetime
    machine: bool
    mode: Mode


class Model:
    """What an authority must answer, for a tenant whose opt-outs are ANONYMOUS and fold.

    Tell it what was sent in the order in which it was committed, each event once
    however often it was sent. Messages are numbered 0… in the order of `send`.

    Attributes:
        links: Of the campaign.
    """

    def __init__(
        self, campaign_id: str, links: Sequence[NewLink], groups: Sequence[str], quorum: int
    ) -> None:
        """Take the campaign as it was created, and k."""
        self._campaign_id = campaign_id
        self.links = links
        self._groups = groups
        self._quorum = quorum
        self._messages: list[_Message] = []
        self._events: list[_Event] = []

    def send(self, group: str, mode: Mode, time: datetime) -> None:
        """A message went out, in the mode that its token was issued with."""
        self._messages.append(_Message(group, mode, mode, time))

    def record(
        self,
        message: int,
        link: int,
        time: datetime,
        verdict: Verdict,
        *,
        privacy_signal: bool = False,
    ) -> None:
        """An open (link 0) or a click (link n) was recorded."""
        mode = self._messages[message].mode
        if mode is Mode.IDENTIFIED and privacy_signal:
            mode = Mode.AGGREGATE
        if mode is not Mode.OFF:
            self._events.append(_Event(message, link, time, verdict in _MACHINES, mode))

    def opt_out(self, message: int) -> None:
        """The contact of a message opted out; what named it is anonymous from now on."""
        if self._messages[message].mode is not Mode.IDENTIFIED:
            return
        self._messages[message].mode = Mode.ANONYMOUS
        for event in self._events:
            if event.message == message and event.mode is Mode.IDENTIFIED:
                event.mode = Mode.ANONYMOUS

    def engaged(self) -> dict[int, tuple[int, int]]:
        """Return opens and clicks, by machines too, of the messages that may be named."""
        found: dict[int, tuple[int, int]] = {}
        for event in self._events:
            if event.mode is Mode.IDENTIFIED:
                opens, clicks = found.get(event.message, (0, 0))
                is_click = event.link > 0
                found[event.message] = (opens + (not is_click), clicks + is_click)
        return found

    def held_back(self) -> tuple[int, int]:
        """Return how many anonymous events are in no number of a group, and in how many cells."""
        cells: dict[tuple[str, bool, bool], set[int]] = {}
        events: dict[tuple[str, bool, bool], int] = {}
        for e in self._events:
            if e.mode is Mode.ANONYMOUS:
                cell = (self._messages[e.message].group, e.link > 0, e.machine)
                cells.setdefault(cell, set()).add(e.message)
                events[cell] = events.get(cell, 0) + 1
        held = [cell for cell, messages in cells.items() if len(messages) < self._quorum]
        return sum(events[cell] for cell in held), len(held)

    def stats(self, published: datetime) -> CampaignStats:
        """Return the numbers, all published in one hour: they were asked for once."""
        sent = self._sent(self._messages)
        groups = tuple(self._group(group) for group in self._groups)
        opens = _sum([group.opens for group in groups])
        clicks = _sum([group.clicks for group in groups])
        return CampaignStats(
            self._campaign_id,
            self._quorum,
            sent,
            opens,
            clicks,
            _rates(sent, opens, clicks),
            groups,
            tuple(
                LinkStats(
                    number,
                    link.url,
                    link.label,
                    self._signal(e for e in self._events if e.link == number),
                )
                for number, link in enumerate(self.links, 1)
            ),
            self._hours(_hour(published), opens, clicks),
        )

    def _group(self, group: str) -> GroupStats:
        sent = self._sent(message for message in self._messages if message.group == group)
        events = [e for e in self._events if self._messages[e.message].group == group]
        opens = self._signal(e for e in events if e.link == 0)
        clicks = self._signal(e for e in events if e.link > 0)
        return GroupStats(group, sent, opens, clicks, _rates(sent, opens, clicks))

    def _sent(self, messages: Iterable[_Message]) -> SentStats:
        modes = [message.sent_mode for message in messages]
        return SentStats(
            modes.count(Mode.IDENTIFIED),
            modes.count(Mode.ANONYMOUS),
            modes.count(Mode.AGGREGATE),
            modes.count(Mode.OFF),
        )

    def _signal(self, events: Iterable[_Event]) -> SignalStats:
        found = list(events)
        return SignalStats(
            human=self._cell([e for e in found if not e.machine]),
            machine=self._cell([e for e in found if e.machine]),
        )

    def _cell(self, events: list[_Event]) -> EngagementStats:
        anonymous = _count(e for e in events if e.mode is Mode.ANONYMOUS)
        aggregate = sum(e.mode is Mode.AGGREGATE for e in events)
        return EngagementStats(
            identified=_count(e for e in events if e.mode is Mode.IDENTIFIED),
            anonymous=anonymous if anonymous.unique >= self._quorum else _NOBODY,
            aggregate=Count(aggregate if aggregate >= self._quorum else 0, 0),
            held_back=self._may_hold_back(),
        )

    def _may_hold_back(self) -> bool:
        return self._quorum > 1 and any(m.sent_mode is not Mode.OFF for m in self._messages)

    def _hours(
        self, published: datetime, opens: SignalStats, clicks: SignalStats
    ) -> tuple[HourStats, ...]:
        identified = [e for e in self._events if e.mode is Mode.IDENTIFIED]
        hours = {_hour(event.time) for event in identified}
        hours |= {_hour(message.sent) for message in self._messages}
        if any(_is_published(signal) for signal in (opens, clicks)):
            hours.add(published)
        named = {False: _Named(identified, clicks=False), True: _Named(identified, clicks=True)}
        return tuple(
            HourStats(
                hour,
                self._sent(m for m in self._messages if _hour(m.sent) == hour),
                named[False].hour(hour, opens if hour == published else _without(opens)),
                named[True].hour(hour, clicks if hour == published else _without(clicks)),
            )
            for hour in sorted(hours)
        )


class _Named:
    """The identified opens, or clicks, by hour."""

    def __init__(self, identified: Iterable[_Event], *, clicks: bool) -> None:
        self._events = [event for event in identified if (event.link > 0) is clicks]
        self._firsts: dict[tuple[int, int, bool], _Event] = {}
        for event in self._events:
            self._firsts.setdefault((event.message, event.link, event.machine), event)

    def hour(self, hour: datetime, published: SignalStats) -> SignalStats:
        """Return an hour's numbers; `published` has the part that names nobody."""
        return SignalStats(
            human=replace(published.human, identified=self._count(hour, machine=False)),
            machine=replace(published.machine, identified=self._count(hour, machine=True)),
        )

    def _count(self, hour: datetime, *, machine: bool) -> Count:
        def number(events: Iterable[_Event]) -> int:
            return sum(_hour(e.time) == hour and e.machine is machine for e in events)

        return Count(number(self._events), number(self._firsts.values()))


def _without(signal: SignalStats) -> SignalStats:
    """Return a signal of which nothing anonymous was published."""
    return SignalStats(
        *(
            EngagementStats(_NOBODY, _NOBODY, _NOBODY, cell.held_back)
            for cell in (signal.human, signal.machine)
        )
    )


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)


def _count(events: Iterable[_Event]) -> Count:
    messages = [event.message for event in events]
    return Count(len(messages), len(set(messages)))


def _is_published(signal: SignalStats) -> bool:
    cells = (signal.human, signal.machine)
    return any(cell.anonymous.total or cell.aggregate.total for cell in cells)


def _sum(signals: Sequence[SignalStats]) -> SignalStats:
    return SignalStats(
        human=_sum_cells([signal.human for signal in signals]),
        machine=_sum_cells([signal.machine for signal in signals]),
    )


def _sum_cells(cells: Sequence[EngagementStats]) -> EngagementStats:
    return EngagementStats(
        identified=_sum_counts([cell.identified for cell in cells]),
        anonymous=_sum_counts([cell.anonymous for cell in cells]),
        aggregate=_sum_counts([cell.aggregate for cell in cells]),
        held_back=any(cell.held_back for cell in cells),
    )


def _sum_counts(counts: Sequence[Count]) -> Count:
    return Count(sum(c.total for c in counts), sum(c.unique for c in counts))


def _rates(sent: SentStats, opens: SignalStats, clicks: SignalStats) -> Rates:
    tracked = sent.identified + sent.anonymous + sent.aggregate
    opened = opens.human.identified.unique + opens.human.anonymous.unique
    return Rates(
        open_rate=_rate(opens.human, tracked),
        click_through_rate=_rate(clicks.human, tracked),
        click_to_open_rate=_rate(clicks.human, opened),
    )


def _rate(people: EngagementStats, of: int) -> Rate:
    identified, anonymous = people.identified.unique, people.anonymous.unique
    if of == 0:
        return Rate(0, 0, 0)
    return Rate((identified + anonymous) / of, identified / of, anonymous / of)
