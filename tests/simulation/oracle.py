"""Predicts the statistics of a campaign from what was sent. Pure.

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
    SentStats,
    SignalStats,
    Verdict,
)
from tests.simulation.count_sums import rates_of, sum_cells, sum_counts, sum_signals
from tests.simulation.event_sets import Event, Parts, clickers, messages, parts

__all__ = ["Model"]

_MACHINES = (Verdict.PREFETCH, Verdict.SCANNER)
_NONE = Count(0, 0)


@dataclass(slots=True)
class _Message:
    group: str
    mode: Mode
    sent_mode: Mode
    sent: datetime


class Model:
    """Predicts statistics for a tenant whose opt-outs are ANONYMOUS and anonymize the past.

    Tell it what was sent in the order in which it was committed, each event once
    however often it was sent. Messages are numbered 0… in the order of `send`.

    Attributes:
        links: Of the campaign.
    """

    def __init__(
        self, campaign_id: str, links: Sequence[NewLink], groups: Sequence[str], quorum: int
    ) -> None:
        """Describe the campaign; `quorum` is k."""
        self._campaign_id = campaign_id
        self.links = links
        self._groups = groups
        self._quorum = quorum
        self._messages: list[_Message] = []
        self._events: list[Event] = []

    def send(self, group: str, mode: Mode, time: datetime) -> None:
        """Record a sent message with the mode of its token."""
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
        """Record an open (link 0) or a click (link n)."""
        mode = self._messages[message].mode
        if mode is Mode.IDENTIFIED and privacy_signal:
            mode = Mode.AGGREGATE
        if mode is not Mode.OFF:
            self._events.append(Event(message, link, time, verdict in _MACHINES, mode))

    def opt_out(self, message: int) -> None:
        """Record the opt-out of a message's contact, which anonymizes its events."""
        if self._messages[message].mode is not Mode.IDENTIFIED:
            return
        self._messages[message].mode = Mode.ANONYMOUS
        for event in self._events:
            if event.message == message and event.mode is Mode.IDENTIFIED:
                event.mode, event.is_anonymized = Mode.ANONYMOUS, True

    def engaged(self) -> dict[int, tuple[int, int]]:
        """Return the opens and clicks of identified messages, including automated ones."""
        found: dict[int, tuple[int, int]] = {}
        for event in self._events:
            if event.mode is Mode.IDENTIFIED:
                opens, clicks = found.get(event.message, (0, 0))
                is_click = event.link > 0
                found[event.message] = (opens + (not is_click), clicks + is_click)
        return found

    def held_back(self) -> int:
        """Return the number of anonymous events that are not published."""
        groups = [self._group(group) for group in self._groups]
        cells = [
            cell
            for group in groups
            for signal in (group.opens, group.clicks)
            for cell in (signal.human, signal.machine)
        ]
        anonymous = sum(event.mode is Mode.ANONYMOUS for event in self._events)
        return anonymous - sum(cell.anonymous.total for cell in cells)

    def stats(self, published: datetime) -> CampaignStats:
        """Return the statistics, if they are read once, in the hour `published`."""
        sent = self._sent(self._messages)
        groups = tuple(self._group(group) for group in self._groups)
        opens = sum_signals([group.opens for group in groups])
        clicks = sum_signals([group.clicks for group in groups])
        return CampaignStats(
            campaign_id=self._campaign_id,
            quorum=self._quorum,
            sent=sent,
            opens=opens,
            clicks=clicks,
            rates=rates_of(sent, opens, clicks),
            groups=groups,
            links=tuple(
                LinkStats(
                    link_number=number,
                    url=link.url,
                    label=link.label,
                    clicks=self._link(number),
                )
                for number, link in enumerate(self.links, 1)
            ),
            hours=self._hours(_hour(published), opens, clicks),
        )

    def _group(self, group: str) -> GroupStats:
        sent = self._sent(message for message in self._messages if message.group == group)
        opens = self._signal(group, 0)
        clicks = SignalStats(human=self._clicks(group, False), machine=self._clicks(group, True))  # noqa: FBT003
        return GroupStats(
            group_id=group,
            sent=sent,
            opens=opens,
            clicks=clicks,
            rates=rates_of(sent, opens, clicks),
        )

    def _signal(self, group: str, link: int) -> SignalStats:
        """Return a group's opens (link 0), or its clicks on a link."""
        return SignalStats(
            human=self._cell(group, link, False),  # noqa: FBT003 - as in events
            machine=self._cell(group, link, True),  # noqa: FBT003
        )

    def _link(self, number: int) -> SignalStats:
        """Return the clicks on a link: the sum of the groups' published counts."""
        return sum_signals([self._signal(group, number) for group in self._groups])

    def _clicks(self, group: str, machine: bool) -> EngagementStats:  # noqa: FBT001 - as in events
        """Return a group's clicks: events as published for its links, people once."""
        links = range(1, len(self.links) + 1)
        every = parts(self._clicked(group, links, machine), self._known(group, links, machine))
        by_link = [self._parts(group, link, machine) for link in links]
        people = [
            clickers(
                whole.people,
                (link[n].published(self._quorum).unique for link in by_link),
                self._quorum,
            )
            for n, whole in ((1, every.unknown), (2, every.anonymized))
        ]
        total = sum_cells([self._cell(group, link, machine) for link in links])
        return replace(
            total,
            identified=Count(total.identified.total, every.identified.people),
            anonymous=Count(total.anonymous.total, sum(people)),
        )

    def _cell(self, group: str, link: int, machine: bool) -> EngagementStats:  # noqa: FBT001
        """Return a group's opens (link 0), or its clicks on a link."""
        found = self._parts(group, link, machine)
        identified, unknown, anonymized, aggregate = (
            part.published(self._quorum) for part in found
        )
        return EngagementStats(
            identified=identified,
            anonymous=sum_counts([unknown, anonymized]),
            aggregate=aggregate if self._has_many(group) else _NONE,
            held_back=self._may_hold_back(),
        )

    def _parts(self, group: str, link: int, machine: bool) -> Parts:  # noqa: FBT001
        links = range(1, len(self.links) + 1) if link and self._quorum > 1 else (link,)
        return parts(self._clicked(group, (link,), machine), self._known(group, links, machine))

    def _known(self, group: str, links: Iterable[int], machine: bool) -> set[int]:  # noqa: FBT001
        return messages(e for e in self._clicked(group, links, machine) if e.is_anonymized)

    def _clicked(self, group: str, links: Iterable[int], machine: bool) -> list[Event]:  # noqa: FBT001
        wanted = set(links)
        return [
            e
            for e in self._events
            if e.link in wanted
            and e.machine is machine
            and self._messages[e.message].group == group
        ]

    def _has_many(self, group: str) -> bool:
        """Return whether a group has enough messages to publish AGGREGATE events."""
        modes = [message.sent_mode for message in self._messages if message.group == group]
        heard, aggregate = len(modes) - modes.count(Mode.OFF), modes.count(Mode.AGGREGATE)
        return heard >= self._quorum and (not aggregate or aggregate >= self._quorum)

    def _sent(self, messages: Iterable[_Message]) -> SentStats:
        modes = [message.sent_mode for message in messages]
        return SentStats(
            identified=modes.count(Mode.IDENTIFIED),
            anonymous=modes.count(Mode.ANONYMOUS),
            aggregate=modes.count(Mode.AGGREGATE),
            off=modes.count(Mode.OFF),
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
                start_time=hour,
                sent=self._sent(m for m in self._messages if _hour(m.sent) == hour),
                opens=named[False].hour(hour, opens if hour == published else _without(opens)),
                clicks=named[True].hour(hour, clicks if hour == published else _without(clicks)),
            )
            for hour in sorted(hours)
        )


class _Named:
    """The identified opens, or clicks, by hour."""

    def __init__(self, identified: Iterable[Event], *, clicks: bool) -> None:
        self._events = [event for event in identified if (event.link > 0) is clicks]
        self._firsts: dict[tuple[int, int, bool], Event] = {}
        for event in self._events:
            self._firsts.setdefault((event.message, event.link, event.machine), event)

    def hour(self, hour: datetime, published: SignalStats) -> SignalStats:
        """Return the statistics of an hour; `published` has the anonymous part."""
        return SignalStats(
            human=replace(published.human, identified=self._count(hour, machine=False)),
            machine=replace(published.machine, identified=self._count(hour, machine=True)),
        )

    def _count(self, hour: datetime, *, machine: bool) -> Count:
        def number(events: Iterable[Event]) -> int:
            return sum(_hour(e.time) == hour and e.machine is machine for e in events)

        return Count(number(self._events), number(self._firsts.values()))


def _without(signal: SignalStats) -> SignalStats:
    """Return a signal without anonymous counts."""
    return SignalStats(human=_empty(signal.human), machine=_empty(signal.machine))


def _empty(cell: EngagementStats) -> EngagementStats:
    return replace(cell, identified=_NONE, anonymous=_NONE, aggregate=_NONE)


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)


def _count(events: Iterable[Event]) -> Count:
    messages = [event.message for event in events]
    return Count(len(messages), len(set(messages)))


def _is_published(signal: SignalStats) -> bool:
    cells = (signal.human, signal.machine)
    return any(cell.anonymous.total or cell.aggregate.total for cell in cells)
