"""Statistics and campaigns as tables for a terminal."""

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.table import Table

from hushpost_cli._tables import new_table, printable, time_text
from hushpost_client import (
    Campaign,
    CampaignStats,
    EngagementStats,
    Estimate,
    GroupStats,
    Rate,
    ReleaseInfo,
    SentStats,
)

__all__ = ["campaigns_table", "stats_tables"]

_MARGINS = (
    "±: without noise, the number would be within this margin in 95% of all cases. noise: the "
    "number is smaller than its margin, so there may have been none. A range, such as 112 to 291: "
    "the number is smaller than its margin, but identified people alone are the first number."
)
_NO_RATE = "\N{EN DASH}"
_IDENTIFIED_ONLY = (
    "*: identified people only; anonymous ones are not released yet, or are counted with other "
    "groups only."
)


def stats_tables(stats: CampaignStats) -> RenderableType:
    """Return a campaign's totals, groups and links, and what the numbers mean."""
    groups = [*stats.groups, *filter(None, [stats.other_groups])]
    parts: list[RenderableType] = [
        printable(f"{stats.campaign_id}: {stats.sent.total:,} messages sent"),
        _release(stats.release),
        _totals(stats),
        _rates(stats),
        "",
    ]
    if groups:
        parts.append(_groups(groups))
    if stats.links:
        parts.append(_links(stats))
    people = [stats.opens.human, *(group.opens.human for group in groups)]
    if any(each.combined and each.combined.margin for each in people):
        parts.append(_MARGINS)
    if any(each.combined is None for each in people):
        parts.append(_IDENTIFIED_ONLY)
    return Group(*parts)


def campaigns_table(campaigns: Iterable[Campaign]) -> Table:
    """Return a row per campaign."""
    table = new_table("campaign", "name", "created (UTC)", "closed (UTC)")
    for campaign in campaigns:
        table.add_row(
            printable(campaign.campaign_id),
            printable(campaign.display_name or ""),
            time_text(campaign.create_time),
            time_text(campaign.close_time) if campaign.close_time else "",
        )
    return table


def _release(release: ReleaseInfo) -> str:
    if release.exact:
        return "All numbers are exact and live."
    if release.release_time is None:
        text = "Anonymous numbers: not released yet"
    else:
        text = f"Anonymous numbers: released {time_text(release.release_time)} UTC"
    if release.next_release_time is not None:
        text += f", next release {time_text(release.next_release_time)} UTC"
    return f"{text}; privacy budget ε = {release.epsilon:g}. Identified numbers are exact and live."


def _totals(stats: CampaignStats) -> Table:
    table = new_table(
        "",
        numbers=(
            "people",
            "identified\npeople",
            "events",
            "anonymous\npeople",
            "aggregate\nevents",
        ),
    )
    for name, signal in (("opens", stats.opens), ("clicks", stats.clicks)):
        table.add_row(f"{name} by people", *_counts(signal.human))
        table.add_row(f"{name} by machines", *_counts(signal.machine))
    return table


def _counts(engagement: EngagementStats) -> Iterator[str]:
    identified, aggregate = engagement.identified, engagement.aggregate
    yield _people(engagement)
    yield f"{identified.unique:,}"
    yield f"{identified.total:,}"
    anonymous = engagement.anonymous
    yield _estimate(anonymous, anonymous.unique) if anonymous else ""
    yield _estimate(aggregate, aggregate.total) if aggregate else ""


def _rates(stats: CampaignStats) -> str:
    rates = stats.rates
    opened = stats.opens.human.combined or stats.opens.human.identified
    has_openers = opened.unique and not (isinstance(opened, Estimate) and opened.is_noise)
    click_to_open = _rate(rates.click_to_open_rate, stats.clicks.human) if has_openers else _NO_RATE
    return (
        f"open rate {_rate_of_sent(rates.open_rate, stats.opens.human, stats.sent)}, "
        "click-through rate "
        f"{_rate_of_sent(rates.click_through_rate, stats.clicks.human, stats.clicks_sent)}, "
        f"click-to-open rate {click_to_open}"
    )


def _groups(groups: Iterable[GroupStats]) -> Table:
    table = new_table("group", numbers=("sent", "opened", "clicked", "open rate", "click rate"))
    for group in groups:
        opens, clicks = group.opens.human, group.clicks.human
        table.add_row(
            printable(group.group_id) if group.group_id else "(groups with *, together)",
            f"{group.sent.total:,}",
            _people(opens),
            _people(clicks),
            _rate_of_sent(group.rates.open_rate, opens, group.sent),
            _rate_of_sent(group.rates.click_through_rate, clicks, group.clicks_sent),
        )
    return table


def _links(stats: CampaignStats) -> Table:
    table = new_table("link", "label", "URL", numbers=("clicked", "by machines"))
    for link in stats.links:
        table.add_row(
            str(link.link_number),
            printable(link.label or ""),
            printable(link.url),
            _people(link.clicks.human),
            _people(link.clicks.machine),
        )
    return table


def _people(engagement: EngagementStats) -> str:
    """Return identified and anonymous people together, or with * only the identified ones."""
    combined = engagement.combined
    if combined is None:
        return f"{engagement.identified.unique:,}*"
    if combined.is_noise and engagement.identified.unique:
        return f"{engagement.identified.unique:,} to {combined.unique + combined.margin:,}"
    return _estimate(combined, combined.unique)


def _estimate(estimate: Estimate, value: int) -> str:
    if not estimate.margin:
        return f"{value:,}"
    return f"{'noise' if estimate.is_noise else f'{value:,}'} ±{estimate.margin:,}"


def _rate_of_sent(rate: Rate, people: EngagementStats, sent: SentStats) -> str:
    """Return a rate, or a dash if no message was sent that can cause events."""
    untracked = sent.off if sent.off > sent.margin else 0
    return _rate(rate, people) if sent.total > untracked else _NO_RATE


def _rate(rate: Rate, people: EngagementStats) -> str:
    if people.combined is None:
        return f"{rate.combined:.1%}*"
    if rate.margin and rate.combined < rate.margin:
        low, high = min(rate.identified, rate.combined), min(rate.combined + rate.margin, 1.0)
        return f"{low:.1%} to {high:.1%}"
    return f"{rate.combined:.1%} ±{rate.margin:.1%}" if rate.margin else f"{rate.combined:.1%}"
