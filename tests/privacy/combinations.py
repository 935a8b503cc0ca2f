"""Combine the published numbers of a campaign by addition and subtraction. Pure functions."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from hushpost_client import CampaignStats, Count, GroupStats, Rate, SignalStats

__all__ = ["Numbers", "numbers", "small_combinations", "sums_that_differ"]

Numbers = dict[str, int]
"""Anonymous counts by a description of what they count."""


def numbers(stats: CampaignStats) -> Numbers:
    """Return all anonymous counts of a response, people and repeat events separately."""
    found: Numbers = {}
    for place, signal in _signals(stats):
        for kind, part in (("human", signal.human), ("machine", signal.machine)):
            found[f"{place}, {kind}, people"] = part.anonymous.unique
            found[f"{place}, {kind}, repeats"] = part.anonymous.total - part.anonymous.unique
    return found


def small_combinations(before: Mapping[str, int], after: Mapping[str, int], k: int) -> list[str]:
    """Return the counts, sums and differences that changed by less than the quorum `k`."""
    change = {place: after[place] - before.get(place, 0) for place in sorted(after)}
    small = [f"{place} by {by}" for place, by in change.items() if by < 0 or 0 < by < k]
    moved = [(place, by) for place, by in change.items() if by]
    for (one, by), (other, more) in combinations(moved, 2):
        small += [f"{one} - {other}: {by - more}"] * (0 < abs(by - more) < k)
    for place in ("groups", "links", "hours"):
        for kind in ("opens, human, people", "clicks, human, people"):
            total = sum(by for name, by in moved if name.startswith(place) and name.endswith(kind))
            rest = total - change.get(f"campaign {kind}", 0)
            small += [f"{place} - campaign, {kind}: {rest}"] * (0 < abs(rest) < k)
    return small


def sums_that_differ(stats: CampaignStats) -> list[str]:
    """Return counts that differ from the sum of their parts or from their rate."""
    differing = []
    for name in ("opens", "clicks"):
        whole: SignalStats = getattr(stats, name)
        for kind in ("human", "machine"):
            published: Count = getattr(whole, kind).anonymous
            for parts in (stats.groups, stats.hours):
                counts = [getattr(getattr(part, name), kind).anonymous for part in parts]
                total = sum(count.total for count in counts)
                people = sum(count.unique for count in counts)
                if (total, people) != (published.total, published.unique):
                    differing.append(f"{name}, {kind}: {published} is not the sum of {counts}")
    linked = sum(link.clicks.human.anonymous.total for link in stats.links)
    if linked != stats.clicks.human.anonymous.total:
        differing.append(f"clicks on links: {linked}, in groups: {stats.clicks.human.anonymous}")
    return differing + list(_rates_that_differ(stats))


def _rates_that_differ(stats: CampaignStats) -> Iterator[str]:
    parts: tuple[CampaignStats | GroupStats, ...] = (stats, *stats.groups)
    for part in parts:
        sent = part.sent.identified + part.sent.anonymous + part.sent.aggregate
        opens, clicks = part.opens.human, part.clicks.human
        opened = opens.identified.unique + opens.anonymous.unique
        rates = part.rates
        rates_and_counts: list[tuple[Rate, int, Count]] = [
            (rates.open_rate, sent, opens.anonymous),
            (rates.click_through_rate, sent, clicks.anonymous),
            (rates.click_to_open_rate, opened, clicks.anonymous),
        ]
        for rate, of, count in rates_and_counts:
            if of and abs(rate.anonymous * of - count.unique) > 1e-6:
                yield f"{rate} of {of} is not {count}"


def _signals(stats: CampaignStats) -> Iterator[tuple[str, SignalStats]]:
    yield "campaign opens", stats.opens
    yield "campaign clicks", stats.clicks
    for group in stats.groups:
        yield f"groups {group.group_id} opens", group.opens
        yield f"groups {group.group_id} clicks", group.clicks
    for link in stats.links:
        yield f"links {link.link_number} clicks", link.clicks
    for hour in stats.hours:
        yield f"hours {hour.start_time} opens", hour.opens
        yield f"hours {hour.start_time} clicks", hour.clicks
