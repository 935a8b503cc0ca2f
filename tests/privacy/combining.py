"""What a reader makes of a campaign's numbers by adding and subtracting. Pure."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from hushpost_client import CampaignStats, Count, GroupStats, Rate, SignalStats

__all__ = ["Numbers", "numbers", "small_combinations", "sums_that_differ"]

Numbers = dict[str, int]
"""Anonymous numbers by place."""


def numbers(stats: CampaignStats) -> Numbers:
    """Return all anonymous numbers of an answer; repeats and people apart."""
    found: Numbers = {}
    for place, signal in _signals(stats):
        for kind, part in (("human", signal.human), ("machine", signal.machine)):
            found[f"{place}, {kind}, people"] = part.anonymous.unique
            found[f"{place}, {kind}, repeats"] = part.anonymous.total - part.anonymous.unique
    return found


def small_combinations(before: Mapping[str, int], after: Mapping[str, int], k: int) -> list[str]:
    """Return combinations that changed by less than a quorum: numbers, sums and differences."""
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
    """Return what is not the sum of its parts, or is told more exactly elsewhere."""
    differing = []
    for name in ("opens", "clicks"):
        whole: SignalStats = getattr(stats, name)
        for kind in ("human", "machine"):
            told: Count = getattr(whole, kind).anonymous
            for parts in (stats.groups, stats.hours):
                counts = [getattr(getattr(part, name), kind).anonymous for part in parts]
                total = sum(count.total for count in counts)
                people = sum(count.unique for count in counts)
                if (total, people) != (told.total, told.unique):
                    differing.append(f"{name}, {kind}: {told} is not the sum of {counts}")
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
        told: list[tuple[Rate, int, Count]] = [
            (rates.open_rate, sent, opens.anonymous),
            (rates.click_through_rate, sent, clicks.anonymous),
            (rates.click_to_open_rate, opened, clicks.anonymous),
        ]
        for rate, of, count in told:
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
