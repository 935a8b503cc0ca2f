"""Sums and rates of counts. Pure."""

from collections.abc import Sequence

from hushpost_client import (
    Count,
    EngagementStats,
    Rate,
    Rates,
    SentStats,
    SignalStats,
)

__all__ = ["rates_of", "sum_cells", "sum_counts", "sum_signals"]


def sum_signals(signals: Sequence[SignalStats]) -> SignalStats:
    """Add up signals, people and machines separately."""
    return SignalStats(
        human=sum_cells([signal.human for signal in signals]),
        machine=sum_cells([signal.machine for signal in signals]),
    )


def sum_cells(cells: Sequence[EngagementStats]) -> EngagementStats:
    """Add up each mode."""
    return EngagementStats(
        identified=sum_counts([cell.identified for cell in cells]),
        anonymous=sum_counts([cell.anonymous for cell in cells]),
        aggregate=sum_counts([cell.aggregate for cell in cells]),
        held_back=any(cell.held_back for cell in cells),
    )


def sum_counts(counts: Sequence[Count]) -> Count:
    """Add up events and people."""
    return Count(sum(c.total for c in counts), sum(c.unique for c in counts))


def rates_of(sent: SentStats, opens: SignalStats, clicks: SignalStats) -> Rates:
    """Return the rates of people among messages that are not OFF."""
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
        return Rate(combined=0, identified=0, anonymous=0)
    return Rate(
        combined=(identified + anonymous) / of,
        identified=identified / of,
        anonymous=anonymous / of,
    )
