"""Predicts the statistics of a campaign from what was sent. Pure.

Written from the interface's words alone, in the plainest way that is right: a
list of all events, gone through once per number. It shares no code and no
shortcut with the authority, so that the two cannot be wrong together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hushpost_client import (
    CampaignStats,
    Count,
    EngagementStats,
    Estimate,
    GroupStats,
    HourStats,
    LinkStats,
    Mode,
    NewLink,
    ReleaseInfo,
    SentStats,
    SignalStats,
    Verdict,
)
from tests.simulation.rates import rates_of

__all__ = ["Model"]

_MACHINES = (Verdict.PREFETCH, Verdict.SCANNER)


@dataclass(slots=True)
class _Event:
    """One event. `link` 0 is an open."""

    message: int
    link: int
    time: datetime
    machine: bool
    mode: Mode


@dataclass(slots=True)
class _Message:
    """A message. The modes are those of its opens and its clicks."""

    group: str
    modes: list[Mode]
    sent_modes: tuple[Mode, Mode]
    sent: datetime


class Model:
    """Predicts statistics for a tenant whose opt-outs are ANONYMOUS and anonymize the past.

    Who opts out of clicks only is AGGREGATE for clicks as long as opens are identified, since
    the message has one slot, and the rows of its opens name it.

    The tenant releases exact counts.

    Tell it what was sent in the order in which it was committed, each event once
    however often it was sent. Messages are numbered 0… in the order of `send`.

    Attributes:
        links: Of the campaign.
    """

    def __init__(self, campaign_id: str, links: Sequence[NewLink], groups: Sequence[str]) -> None:
        """Describe the campaign."""
        self._campaign_id = campaign_id
        self.links = links
        self._groups = groups
        self._messages: list[_Message] = []
        self._events: list[_Event] = []
        self._seen: set[tuple[int, int, tuple[str, str]]] = set()

    def send(self, group: str, modes: tuple[Mode, Mode], time: datetime) -> None:
        """Record a sent message with the modes of its opens and clicks."""
        self._messages.append(_Message(group, list(modes), modes, time))

    def record(
        self,
        message: int,
        link: int,
        time: datetime,
        verdict: Verdict,
        *,
        privacy_signal: bool = False,
        client: tuple[str, str] | None = None,
    ) -> None:
        """Record an open (link 0) or a click (link n), in AGGREGATE once per client."""
        mode = self._messages[message].modes[link > 0]
        if mode is Mode.IDENTIFIED and privacy_signal:
            mode = Mode.AGGREGATE
        if client is not None:
            if mode is Mode.AGGREGATE and (message, link, client) in self._seen:
                return
            self._seen.add((message, link, client))
        if mode is not Mode.OFF:
            self._events.append(_Event(message, link, time, verdict in _MACHINES, mode))

    def opt_out(self, message: int, *, of_clicks_only: bool = False) -> None:
        """Record the opt-out of a message's contact, which anonymizes its events."""
        modes = self._messages[message].modes
        is_open_identified = modes[0] is Mode.IDENTIFIED and of_clicks_only
        for is_click in (True,) if of_clicks_only else (False, True):
            if modes[is_click] is not Mode.IDENTIFIED:
                continue
            modes[is_click] = Mode.AGGREGATE if is_open_identified else Mode.ANONYMOUS
            for event in self._events:
                is_affected = event.message == message and (event.link > 0) is is_click
                if is_affected and event.mode is Mode.IDENTIFIED:
                    event.mode = modes[is_click]

    def engaged(self) -> dict[int, tuple[int, int]]:
        """Return the opens and clicks of identified messages, including automated ones."""
        found: dict[int, tuple[int, int]] = {}
        for event in self._events:
            if event.mode is Mode.IDENTIFIED:
                opens, clicks = found.get(event.message, (0, 0))
                is_click = event.link > 0
                found[event.message] = (opens + (not is_click), clicks + is_click)
        return found

    def clicks_of_few_links(self, most: int) -> dict[int, SignalStats]:
        """Return the clicks on each link of messages with clicks on at most `most` links.

        Clicks by people and by machines are apart.
        """
        links: dict[tuple[int, bool], set[int]] = {}
        for event in self._events:
            if event.link:
                links.setdefault((event.message, event.machine), set()).add(event.link)
        few = [
            event
            for event in self._events
            if event.link and len(links[event.message, event.machine]) <= most
        ]
        return {
            number: SignalStats(
                human=_engagement([e for e in few if e.link == number and not e.machine]),
                machine=_engagement([e for e in few if e.link == number and e.machine]),
            )
            for number in range(1, len(self.links) + 1)
        }

    def stats(self) -> CampaignStats:
        """Return the statistics."""
        sent, clicks_sent = self._sent(self._messages), self._sent(self._messages, clicks=True)
        every_link = range(1, len(self.links) + 1)
        opens, clicks = self._signal((0,)), self._signal(every_link)
        return CampaignStats(
            campaign_id=self._campaign_id,
            release=ReleaseInfo(exact=True, epsilon=0, release_time=None, next_release_time=None),
            sent=sent,
            opens=opens,
            clicks=clicks,
            clicks_sent=clicks_sent,
            rates=rates_of(sent, clicks_sent, opens, clicks),
            groups=tuple(self._group(group) for group in self._groups),
            other_groups=None,
            links=tuple(
                LinkStats(
                    link_number=number,
                    url=link.url,
                    label=link.label,
                    clicks=self._signal((number,)),
                )
                for number, link in enumerate(self.links, 1)
            ),
            hours=self._hours(),
        )

    def _group(self, group: str) -> GroupStats:
        messages = [message for message in self._messages if message.group == group]
        sent, clicks_sent = self._sent(messages), self._sent(messages, clicks=True)
        opens = self._signal((0,), group)
        clicks = self._signal(range(1, len(self.links) + 1), group)
        return GroupStats(
            group_id=group,
            sent=sent,
            opens=opens,
            clicks=clicks,
            clicks_sent=clicks_sent,
            rates=rates_of(sent, clicks_sent, opens, clicks),
        )

    def _signal(self, links: Iterable[int], group: str | None = None) -> SignalStats:
        """Return the opens (link 0) or clicks on any of the links, of a group or of all."""
        found = [
            event
            for event in self._events
            if event.link in links and group in (None, self._messages[event.message].group)
        ]
        return SignalStats(
            human=_engagement([event for event in found if not event.machine]),
            machine=_engagement([event for event in found if event.machine]),
        )

    def _sent(self, messages: Iterable[_Message], *, clicks: bool = False) -> SentStats:
        """Return the messages by the mode of their opens, or of their clicks."""
        modes = [message.sent_modes[clicks] for message in messages]
        return SentStats(
            total=len(modes),
            identified=modes.count(Mode.IDENTIFIED),
            anonymous=modes.count(Mode.ANONYMOUS),
            aggregate=modes.count(Mode.AGGREGATE),
            off=modes.count(Mode.OFF),
            margin=0,
        )

    def _hours(self) -> tuple[HourStats, ...]:
        identified = [e for e in self._events if e.mode is Mode.IDENTIFIED]
        hours = {_hour(event.time) for event in identified}
        hours |= {_hour(message.sent) for message in self._messages}
        named = {False: _Named(identified, clicks=False), True: _Named(identified, clicks=True)}
        return tuple(
            HourStats(
                start_time=hour,
                sent=self._sent(m for m in self._messages if _hour(m.sent) == hour),
                opens=named[False].hour(hour),
                clicks=named[True].hour(hour),
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

    def hour(self, hour: datetime) -> SignalStats:
        """Return the statistics of an hour."""
        return SignalStats(
            human=_only(self._count(hour, machine=False)),
            machine=_only(self._count(hour, machine=True)),
        )

    def _count(self, hour: datetime, *, machine: bool) -> Count:
        def number(events: Iterable[_Event]) -> int:
            return sum(_hour(e.time) == hour and e.machine is machine for e in events)

        return Count(number(self._events), number(self._firsts.values()))


def _engagement(events: Sequence[_Event]) -> EngagementStats:
    def count(mode: Mode) -> Count:
        messages = [event.message for event in events if event.mode is mode]
        return Count(len(messages), len(set(messages)))

    identified, anonymous = count(Mode.IDENTIFIED), count(Mode.ANONYMOUS)
    return EngagementStats(
        identified=identified,
        anonymous=Estimate(anonymous.total, anonymous.unique),
        aggregate=Estimate(count(Mode.AGGREGATE).total),
        combined=Estimate(unique=identified.unique + anonymous.unique),
    )


def _only(identified: Count) -> EngagementStats:
    return EngagementStats(identified=identified, anonymous=None, aggregate=None, combined=None)


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)
