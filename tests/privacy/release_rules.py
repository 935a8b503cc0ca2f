"""The release rule as the service applies it, and weakened rules that serve as controls."""

from dataclasses import replace
from itertools import product

from hushpost_service.domain.release import NOTHING, Count, advance, advance_clickers

from .possible_histories import Published
from .small_campaigns import Live, SmallCampaign

__all__ = [
    "anonymized_elsewhere",
    "any_link_by_itself",
    "any_link_catching_up",
    "any_link_total_by_itself",
    "link_over_groups",
    "present_state",
    "real",
    "repeats_of_the_first",
]


def real(campaign: SmallCampaign, quorum: int, published: Published, live: Live) -> Published:
    """Apply `domain.release` in the same way as the service's statistics."""
    cells, clickers, rest = _parts(campaign, published)
    steps = [
        advance(released, live.cells[place], quorum, distinct=campaign.distinct) or NOTHING
        for place, released in zip(_places(campaign), cells, strict=True)
    ]
    followed = [
        Count(
            0,
            released.unique
            + advance_clickers(
                released.unique,
                live.clickers[group],
                quorum,
                [
                    (cells[number].unique, steps[number].unique)
                    for number, place in enumerate(_places(campaign))
                    if place[0] == group and place[1] < campaign.links and steps[number] != NOTHING
                ],
            ),
        )
        for group, released in enumerate(clickers)
    ]
    return (*map(Count.__add__, cells, steps), *followed, *rest)


def present_state(
    campaign: SmallCampaign, quorum: int, published: Published, live: Live
) -> Published:
    """Control: publish the exact current count whenever it has grown by k people."""
    cells, clickers, rest = _parts(campaign, published)
    return (
        *(
            live.cells[place] if live.cells[place].unique >= released.unique + quorum else released
            for place, released in zip(_places(campaign), cells, strict=True)
        ),
        *(
            Count(0, now) if now >= released.unique + quorum else released
            for released, now in zip(clickers, live.clickers, strict=True)
        ),
        *rest,
    )


def any_link_by_itself(
    campaign: SmallCampaign, quorum: int, published: Published, live: Live
) -> Published:
    """Control: publish the clickers of any link in multiples of k, independently of the links."""
    return _with_clickers(
        campaign,
        published,
        real(campaign, quorum, published, live),
        [Count(0, now - now % quorum) for now in live.clickers],
    )


def any_link_catching_up(
    campaign: SmallCampaign, quorum: int, published: Published, live: Live
) -> Published:
    """Control: publish the clickers of any link at any time, limited by the links' sum."""
    released = real(campaign, quorum, published, live)
    sums = [
        sum(
            count.unique
            for place, count in zip(_places(campaign), released, strict=False)
            if place[0] == group and place[1] < campaign.links
        )
        for group in range(campaign.groups)
    ]
    now = [
        Count(0, min(people - people % quorum, most))
        for people, most in zip(live.clickers, sums, strict=True)
    ]
    return _with_clickers(campaign, published, released, now)


def any_link_total_by_itself(
    campaign: SmallCampaign, quorum: int, published: Published, live: Live
) -> Published:
    """Control: publish a group's total clicks in multiples of k, not as the links' sum."""
    released = real(campaign, quorum, published, live)
    _, before, _ = _parts(campaign, published)
    _, clickers, _ = _parts(campaign, released)
    now = []
    for group, (count, was) in enumerate(zip(clickers, before, strict=True)):
        total = sum(live.cells[group, link].total for link in range(campaign.links))
        is_step = count.unique > was.unique
        now.append(Count(total - total % quorum if is_step else was.total, count.unique))
    return _with_clickers(campaign, published, released, now)


def repeats_of_the_first(
    campaign: SmallCampaign, quorum: int, published: Published, live: Live
) -> Published:
    """Control: also publish repeat events together with the first k people."""
    released = list(real(campaign, quorum, published, live))
    for number, place in enumerate(_places(campaign)):
        if released[number].unique > published[number].unique:
            repeats = live.cells[place].total - live.cells[place].unique
            people = released[number].unique
            released[number] = Count(people + repeats - repeats % quorum, people)
    return tuple(released)


def link_over_groups(
    campaign: SmallCampaign, quorum: int, published: Published, live: Live
) -> Published:
    """Control: publish a link's people over all groups, rounded independently."""
    released = real(campaign, quorum, published, live)
    people = [
        sum(live.cells[group, link].unique for group in range(campaign.groups))
        for link in range(campaign.links)
    ]
    return (*released[: -campaign.links], *(Count(0, now - now % quorum) for now in people))


def anonymized_elsewhere(
    campaign: SmallCampaign, quorum: int, published: Published, live: Live
) -> Published:
    """Control: count a contact anonymized on one link as a new person on another link."""
    cells = {place: count + Count(0, live.returned[place]) for place, count in live.cells.items()}
    return real(campaign, quorum, published, replace(live, cells=cells))


def _with_clickers(
    campaign: SmallCampaign, published: Published, released: Published, now: list[Count]
) -> Published:
    """Return `released` with the clickers replaced by `now`, where that exceeds `published`."""
    cells, _, rest = _parts(campaign, released)
    _, before, _ = _parts(campaign, published)
    return (*cells, *map(max, before, now), *rest)


def _places(campaign: SmallCampaign) -> list[tuple[int, int]]:
    return list(product(range(campaign.groups), range(campaign.signals)))


def _parts(campaign: SmallCampaign, published: Published) -> tuple[Published, Published, Published]:
    cells = campaign.groups * campaign.signals
    return (
        published[:cells],
        published[cells : cells + campaign.groups],
        published[cells + campaign.groups :],
    )
