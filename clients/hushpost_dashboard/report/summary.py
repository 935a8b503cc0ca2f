"""The totals of a campaign: people and machines, their rates, and the release of anonymous counts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hushpost_client import CampaignStats, EngagementStats, Estimate, ReleaseInfo, SentStats
from hushpost_dashboard.report.people import Number, Share, has_tracked, people

__all__ = ["ReleaseState", "Summary", "TotalsRow", "summary"]


class ReleaseState(StrEnum):
    """Whether anonymous people are in the numbers."""

    EXACT = "exact"
    """All numbers are exact and live."""
    NOTHING_SENT = "nothing_sent"
    """The dates of the releases are not known before the first message."""
    WAITING = "waiting"
    """Before the first release."""
    RELEASED = "released"
    """Released, and another release will follow."""
    FINAL = "final"
    """After the last release."""


@dataclass(frozen=True, slots=True)
class TotalsRow:
    """A row of the table with all totals.

    Attributes:
        name: What was done and by whom, such as "Opens by people".
        verb: The same as a label of the chart, such as "Opened".
        is_machine: Whether programs did it.
        people: Identified and anonymous people together, or their messages.
        identified: Identified people.
        events: Events of identified people, repeats included.
        anonymous: Anonymous people; None before the first release.
        aggregate: Events of whole groups; None before the first release.
    """

    name: str
    verb: str
    is_machine: bool
    people: Number
    identified: int
    events: int
    anonymous: Number | None
    aggregate: Number | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The totals of a campaign.

    Attributes:
        sent: Messages sent, by the mode of their opens.
        release: How and when anonymous counts are released.
        state: Whether they are in the numbers.
        rows: Opens and clicks, by people and by machines.
        open_rate: People who opened ÷ messages; None without messages.
        click_through_rate: People who clicked ÷ messages.
        click_to_open_rate: People who clicked ÷ people who opened.
    """

    sent: SentStats
    release: ReleaseInfo
    state: ReleaseState
    rows: tuple[TotalsRow, ...]
    open_rate: Share | None
    click_through_rate: Share | None
    click_to_open_rate: Share | None

    @property
    def opened(self) -> TotalsRow:
        """Opens by people."""
        return self.rows[0]

    @property
    def clicked(self) -> TotalsRow:
        """Clicks by people."""
        return self.rows[1]

    @property
    def machine_opens(self) -> TotalsRow:
        """Opens by machines."""
        return self.rows[2]

    @property
    def machine_clicks(self) -> TotalsRow:
        """Clicks by machines."""
        return self.rows[3]

    @property
    def modes(self) -> tuple[tuple[str, int], ...]:
        """The modes of the messages in words, and how many have them, if more than noise."""
        named = (
            ("identified", self.sent.identified),
            ("anonymous", self.sent.anonymous),
            ("counted only as a group", self.sent.aggregate),
            ("not tracked", self.sent.off),
        )
        return tuple((name, messages) for name, messages in named if messages > self.sent.margin)

    @property
    def release_time(self) -> datetime | None:
        """When the counts of anonymous people were released."""
        return self.release.release_time

    @property
    def next_release_time(self) -> datetime | None:
        """When the next release is due."""
        return self.release.next_release_time

    @property
    def has_noise(self) -> bool:
        """Whether a number has a margin."""
        return any(row.people.margin for row in self.rows)


def summary(stats: CampaignStats) -> Summary:
    """Return the totals of a campaign."""
    rates = stats.rates
    opened, clicked = stats.opens.human, stats.clicks.human
    rows = tuple(_rows(stats))
    has_openers = rows[0].people.value and not rows[0].people.is_noise
    return Summary(
        sent=stats.sent,
        release=stats.release,
        state=_state(stats),
        rows=rows,
        open_rate=Share.of_rate(rates.open_rate, opened) if has_tracked(stats.sent) else None,
        click_through_rate=(
            Share.of_rate(rates.click_through_rate, clicked)
            if has_tracked(stats.clicks_sent)
            else None
        ),
        click_to_open_rate=(
            Share.of_rate(rates.click_to_open_rate, clicked) if has_openers else None
        ),
    )


def _state(stats: CampaignStats) -> ReleaseState:
    release = stats.release
    if release.exact:
        return ReleaseState.EXACT
    if release.release_time is not None:
        return ReleaseState.RELEASED if release.next_release_time else ReleaseState.FINAL
    return ReleaseState.WAITING if release.next_release_time else ReleaseState.NOTHING_SENT


def _rows(stats: CampaignStats) -> Iterator[TotalsRow]:
    yield _row("Opens by people", "Opened", stats.opens.human, stats.sent.total)
    yield _row("Clicks by people", "Clicked", stats.clicks.human, stats.sent.total)
    yield _row(
        "Opens by machines", "Machine opens", stats.opens.machine, stats.sent.total, machine=True
    )
    yield _row(
        "Clicks by machines", "Machine clicks", stats.clicks.machine, stats.sent.total, machine=True
    )


def _row(
    name: str, verb: str, engagement: EngagementStats, messages: int, *, machine: bool = False
) -> TotalsRow:
    anonymous, aggregate = engagement.anonymous, engagement.aggregate
    return TotalsRow(
        name,
        verb,
        is_machine=machine,
        people=people(engagement, messages),
        identified=engagement.identified.unique,
        events=engagement.identified.total,
        anonymous=_estimate(anonymous, anonymous.unique) if anonymous else None,
        aggregate=_estimate(aggregate, aggregate.total) if aggregate else None,
    )


def _estimate(estimate: Estimate, value: int) -> Number:
    return Number.estimated(estimate, value, 0, None)
