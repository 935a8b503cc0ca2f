"""Prints the statistics of a campaign as tables for a terminal of 80 columns."""

from rich import box
from rich.console import Console
from rich.table import Table

from hushpost_client import CampaignStats, EngagementStats, SentStats, SignalStats

__all__ = ["print_report"]


def print_report(console: Console, stats: CampaignStats) -> None:
    """Print a campaign's totals and its groups."""
    console.print(_totals(stats))
    console.print(_groups(stats))
    console.print(_notes(stats), highlight=False)


def _totals(stats: CampaignStats) -> Table:
    table = _table("Whole campaign", "", "identified", "anonymous*", "aggregate*")
    for name, signal in (("opens", stats.opens), ("clicks", stats.clicks)):
        table.add_row(f"{name} by people", *_counts(signal.human))
        table.add_row(f"{name} by machines", *_counts(signal.machine))
    return table


def _groups(stats: CampaignStats) -> Table:
    table = _table(
        "Groups: people who opened and clicked",
        *("group", "sent", "anonymous\nrecipients", "opened", "anon.*", "clicked", "anon.*"),
    )
    for group in stats.groups:
        table.add_row(
            group.group_id,
            f"{_total(group.sent):,}",
            f"{group.sent.anonymous:,}",
            *_people(group.opens),
            *_people(group.clicks),
        )
    return table


def _notes(stats: CampaignStats) -> str:
    return (
        "a/b: a events by b people. Aggregate: events only.\n"
        "Identified numbers are exact. Numbers with * are published in steps of at least\n"
        f"k = {stats.quorum} people, so that no report reveals what one person did.\n"
    )


def _people(signal: SignalStats) -> tuple[str, str]:
    return f"{signal.human.identified.unique:,}", f"{signal.human.anonymous.unique:,}"


def _counts(engagement: EngagementStats) -> tuple[str, str, str]:
    return (
        f"{engagement.identified.total:,}/{engagement.identified.unique:,}",
        f"{engagement.anonymous.total:,}/{engagement.anonymous.unique:,}",
        f"{engagement.aggregate.total:,}",
    )


def _total(sent: SentStats) -> int:
    return sent.identified + sent.anonymous + sent.aggregate + sent.off


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table
