"""Prints the statistics of a campaign as tables for a terminal of 80 columns."""

from rich import box
from rich.console import Console
from rich.table import Table

from hushpost_client import CampaignStats, EngagementStats, Estimate, Rate

__all__ = ["print_report"]


def print_report(console: Console, stats: CampaignStats) -> None:
    """Print a campaign's totals and its groups."""
    console.print(_totals(stats))
    console.print(_groups(stats))
    console.print(_notes(stats), highlight=False)


def _totals(stats: CampaignStats) -> Table:
    table = _table(
        "Whole campaign", "", "people*", "identified", "anonymous\npeople*", "aggregate\nevents*"
    )
    for name, signal in (("opens", stats.opens), ("clicks", stats.clicks)):
        table.add_row(f"{name} by people", *_counts(signal.human))
        table.add_row(f"{name} by machines", *_counts(signal.machine))
    return table


def _groups(stats: CampaignStats) -> Table:
    table = _table(
        "Groups: identified people who opened and clicked", "group", "sent", "opened", "clicked"
    )
    for group in stats.groups:
        table.add_row(
            group.group_id,
            f"{group.sent.total:,}",
            f"{group.opens.human.identified.unique:,}",
            f"{group.clicks.human.identified.unique:,}",
        )
    return table


def _notes(stats: CampaignStats) -> str:
    rates = stats.rates
    return (
        f"open rate {_percent(rates.open_rate)}, "
        f"click-through rate {_percent(rates.click_through_rate)}\n\n"
        "Identified numbers (events/people) are exact and live. Numbers with * contain\n"
        "random noise, so that no report reveals what one anonymous person did: the true\n"
        "number is within the margin ± in 95% of all cases. A number that is smaller than\n"
        "its margin is shown as noise. All releases together reveal about one person at\n"
        f"most what the privacy budget ε = {stats.release.epsilon:g} allows. These groups are too small for\n"
        "anonymous counts of their own.\n"
    )


def _counts(engagement: EngagementStats) -> tuple[str, str, str, str]:
    identified, aggregate = engagement.identified, engagement.aggregate
    return (
        _people(engagement.combined),
        f"{identified.total:,}/{identified.unique:,}",
        _people(engagement.anonymous),
        _number(aggregate, aggregate.total if aggregate else 0),
    )


def _people(estimate: Estimate | None) -> str:
    return _number(estimate, estimate.unique if estimate else 0)


def _number(estimate: Estimate | None, value: int) -> str:
    if estimate is None:
        return ""
    return f"{'noise' if estimate.is_noise else f'{value:,}'} ±{estimate.margin:,}"


def _percent(rate: Rate) -> str:
    return f"{rate.combined:.1%} ±{rate.margin:.1%}"


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table
