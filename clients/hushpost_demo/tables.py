"""A campaign's report as tables for a terminal of 80 columns or more."""

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from hushpost_client import CampaignStats, Count, EngagementStats, SentStats

__all__ = ["print_report"]


def print_report(console: Console, stats: CampaignStats) -> None:
    """Print the report of a campaign."""
    console.print(
        Group(
            "",
            Text(f"Campaign {stats.campaign_id}", "bold"),
            Text(_sent(stats.sent)),
            "",
            _summary(stats),
            _rates(stats),
            _groups(stats),
            _links(stats),
            _hours(stats),
            _legend(stats),
        )
    )


def _legend(stats: CampaignStats) -> Text:
    units = "a/b: a events by b people; where people can't be told apart (aggregate): events.\n"
    if stats.quorum == 1:
        return Text(f"{units}The quorum k is 1: all numbers are exact.\n")
    return Text(
        f"{units}Identified numbers are exact. Those with * may be held back: the quorum k is\n"
        f"{stats.quorum}, and each of them moves only when k more people (aggregate: events) stand\n"
        "behind the change, in multiples of k. The campaign's are sums of its groups'.\n"
    )


def _summary(stats: CampaignStats) -> Table:
    table = _table("The whole campaign", "", *_parts(stats))
    for name, signal in (("opens", stats.opens), ("clicks", stats.clicks)):
        table.add_row(f"{name} by people", *_cells(signal.human))
        table.add_row(f"{name} by machines", *_cells(signal.machine))
    return table


def _rates(stats: CampaignStats) -> Table:
    part = f"of that\nanon.{_mark(stats)}"
    heads = ("open\nrate", "click-\nthrough", "click-\nto-open")
    table = _table("Rates, by people", "group", *(name for head in heads for name in (head, part)))
    everybody = ("all", stats.rates)
    for name, rates in (everybody, *((group.group_id, group.rates) for group in stats.groups)):
        shown = (rates.open_rate, rates.click_through_rate, rates.click_to_open_rate)
        table.add_row(
            name, *(f"{n:.1%}" for rate in shown for n in (rate.combined, rate.anonymous))
        )
    return table


def _groups(stats: CampaignStats) -> Table:
    table = _table("Groups", "group", "sent", "of that\nanon.", *_parts(stats))
    for group in stats.groups:
        sent = group.sent
        everything = sent.identified + sent.anonymous + sent.aggregate + sent.off
        table.add_row(group.group_id, f"{everything:,}", f"{sent.anonymous:,}")
        for name, signal in (("opens", group.opens), ("clicks", group.clicks)):
            table.add_row(f"  {name} by people", "", "", *_cells(signal.human))
            table.add_row(f"  {name} by machines", "", "", *_cells(signal.machine))
    return table


def _links(stats: CampaignStats) -> Table:
    short = _short_parts(stats)
    people = [f"people\n{part}" for part in short]
    machines = [f"machines\n{part}" for part in short[:2]]
    table = _table("Clicks by link", "link", *people, *machines)
    for link in stats.links:
        table.add_row(
            f"{link.link_number} {link.label}",
            *_cells(link.clicks.human),
            *_cells(link.clicks.machine)[:2],
        )
    return table


def _hours(stats: CampaignStats) -> Table:
    table = _table(
        "Hours, UTC: identified by the hour of the event, others of the publication",
        "hour",
        "sent",
        *(f"{name}\n{part}" for name in ("opens", "clicks") for part in _short_parts(stats)),
    )
    for hour in stats.hours:
        sent = hour.sent
        everything = sent.identified + sent.anonymous + sent.aggregate + sent.off
        table.add_row(
            f"{hour.start_time:%b %d %H:00}",
            f"{everything:,}",
            *_cells(hour.opens.human),
            *_cells(hour.clicks.human),
        )
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _parts(stats: CampaignStats) -> tuple[str, str, str]:
    mark = _mark(stats)
    return "identified", f"anonymous{mark}", f"aggregate{mark}"


def _short_parts(stats: CampaignStats) -> tuple[str, str, str]:
    mark = _mark(stats)
    return "ident.", f"anon.{mark}", f"aggr.{mark}"


def _mark(stats: CampaignStats) -> str:
    return "*" if stats.opens.human.held_back else ""


def _cells(engagement: EngagementStats) -> tuple[str, str, str]:
    return (
        _count(engagement.identified),
        _count(engagement.anonymous),
        f"{engagement.aggregate.total:,}",
    )


def _count(count: Count) -> str:
    return f"{count.total:,}/{count.unique:,}"


def _sent(sent: SentStats) -> str:
    parts = {
        "identified": sent.identified,
        "anonymous": sent.anonymous,
        "aggregate": sent.aggregate,
        "off": sent.off,
    }
    split = ", ".join(f"{number:,} {name}" for name, number in parts.items() if number)
    return f"{sum(parts.values()):,} messages sent: {split}"
