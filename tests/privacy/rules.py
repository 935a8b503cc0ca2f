"""The release rule as the service applies it, and weakened rules that serve as controls."""

from dataclasses import replace
from itertools import product

from hushpost_service.domain.release import NOTHING, Count, advance, advance_clickers

from .scene import Live, Scene
from .worlds import Published

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


def real(scene: Scene, quorum: int, published: Published, live: Live) -> Published:
    """Apply `domain.release` in the same way as the service's statistics."""
    cells, clickers, rest = _parts(scene, published)
    steps = [
        advance(told, live.cells[place], quorum, distinct=scene.distinct) or NOTHING
        for place, told in zip(_places(scene), cells, strict=True)
    ]
    followed = [
        Count(
            0,
            told.unique
            + advance_clickers(
                told.unique,
                live.clickers[group],
                quorum,
                [
                    (cells[number].unique, steps[number].unique)
                    for number, place in enumerate(_places(scene))
                    if place[0] == group and place[1] < scene.links and steps[number] != NOTHING
                ],
            ),
        )
        for group, told in enumerate(clickers)
    ]
    return (*map(Count.__add__, cells, steps), *followed, *rest)


def present_state(scene: Scene, quorum: int, published: Published, live: Live) -> Published:
    """Control: publish the exact current count whenever it has grown by k people."""
    cells, clickers, rest = _parts(scene, published)
    return (
        *(
            live.cells[place] if live.cells[place].unique >= told.unique + quorum else told
            for place, told in zip(_places(scene), cells, strict=True)
        ),
        *(
            Count(0, now) if now >= told.unique + quorum else told
            for told, now in zip(clickers, live.clickers, strict=True)
        ),
        *rest,
    )


def any_link_by_itself(scene: Scene, quorum: int, published: Published, live: Live) -> Published:
    """Control: publish the clickers of any link in multiples of k, independently of the links."""
    return _with_clickers(
        scene,
        published,
        real(scene, quorum, published, live),
        [Count(0, now - now % quorum) for now in live.clickers],
    )


def any_link_catching_up(scene: Scene, quorum: int, published: Published, live: Live) -> Published:
    """Control: publish the clickers of any link at any time, limited by the links' sum."""
    told = real(scene, quorum, published, live)
    sums = [
        sum(
            count.unique
            for place, count in zip(_places(scene), told, strict=False)
            if place[0] == group and place[1] < scene.links
        )
        for group in range(scene.groups)
    ]
    now = [
        Count(0, min(people - people % quorum, most))
        for people, most in zip(live.clickers, sums, strict=True)
    ]
    return _with_clickers(scene, published, told, now)


def any_link_total_by_itself(
    scene: Scene, quorum: int, published: Published, live: Live
) -> Published:
    """Control: publish a group's total clicks in multiples of k, not as the links' sum."""
    told = real(scene, quorum, published, live)
    _, before, _ = _parts(scene, published)
    _, clickers, _ = _parts(scene, told)
    now = []
    for group, (count, was) in enumerate(zip(clickers, before, strict=True)):
        total = sum(live.cells[group, link].total for link in range(scene.links))
        is_step = count.unique > was.unique
        now.append(Count(total - total % quorum if is_step else was.total, count.unique))
    return _with_clickers(scene, published, told, now)


def repeats_of_the_first(scene: Scene, quorum: int, published: Published, live: Live) -> Published:
    """Control: also publish repeat events together with the first k people."""
    told = list(real(scene, quorum, published, live))
    for number, place in enumerate(_places(scene)):
        if told[number].unique > published[number].unique:
            repeats = live.cells[place].total - live.cells[place].unique
            people = told[number].unique
            told[number] = Count(people + repeats - repeats % quorum, people)
    return tuple(told)


def link_over_groups(scene: Scene, quorum: int, published: Published, live: Live) -> Published:
    """Control: publish a link's people over all groups, rounded independently."""
    told = real(scene, quorum, published, live)
    people = [
        sum(live.cells[group, link].unique for group in range(scene.groups))
        for link in range(scene.links)
    ]
    return (*told[: -scene.links], *(Count(0, now - now % quorum) for now in people))


def anonymized_elsewhere(scene: Scene, quorum: int, published: Published, live: Live) -> Published:
    """Control: count a contact anonymized on one link as a new person on another link."""
    cells = {place: count + Count(0, live.returned[place]) for place, count in live.cells.items()}
    return real(scene, quorum, published, replace(live, cells=cells))


def _with_clickers(
    scene: Scene, published: Published, told: Published, now: list[Count]
) -> Published:
    """Return `told` with the clickers replaced by `now`, where that exceeds `published`."""
    cells, _, rest = _parts(scene, told)
    _, before, _ = _parts(scene, published)
    return (*cells, *map(max, before, now), *rest)


def _places(scene: Scene) -> list[tuple[int, int]]:
    return list(product(range(scene.groups), range(scene.signals)))


def _parts(scene: Scene, published: Published) -> tuple[Published, Published, Published]:
    cells = scene.groups * scene.signals
    return (
        published[:cells],
        published[cells : cells + scene.groups],
        published[cells + scene.groups :],
    )
