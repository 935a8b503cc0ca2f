"""The release rule, as the service puts it together, and rules with a part left out."""

from dataclasses import replace
from itertools import product

from hushpost_service.domain.release import NOTHING, Count, advance, advance_clickers

from .scene import Live, Scene
from .worlds import Published

__all__ = [
    "any_link_by_itself",
    "any_link_catching_up",
    "any_link_total_by_itself",
    "folded_elsewhere",
    "link_over_groups",
    "present_state",
    "real",
    "repeats_of_the_first",
]


def real(scene: Scene, quorum: int, published: Published, live: Live) -> Published:
    """Do as `stats.py` does with `release.py`."""
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
    """Publish all that is counted of a number whenever k more people stand behind it."""
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
    """Publish who clicked any link whenever they are k more, whatever links are told."""
    return _with_clickers(
        scene,
        published,
        real(scene, quorum, published, live),
        [Count(0, now - now % quorum) for now in live.clickers],
    )


def any_link_catching_up(scene: Scene, quorum: int, published: Published, live: Live) -> Published:
    """Publish who clicked any link as far as the links' sum covers them, at any time."""
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
    """Publish a group's clicks in total in whole k of their own, not as the links' sum."""
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
    """Publish repeats with the first k people, too."""
    told = list(real(scene, quorum, published, live))
    for number, place in enumerate(_places(scene)):
        if told[number].unique > published[number].unique:
            repeats = live.cells[place].total - live.cells[place].unique
            people = told[number].unique
            told[number] = Count(people + repeats - repeats % quorum, people)
    return tuple(told)


def link_over_groups(scene: Scene, quorum: int, published: Published, live: Live) -> Published:
    """Publish a link's people over all groups, counted by themselves."""
    told = real(scene, quorum, published, live)
    people = [
        sum(live.cells[group, link].unique for group in range(scene.groups))
        for link in range(scene.links)
    ]
    return (*told[: -scene.links], *(Count(0, now - now % quorum) for now in people))


def folded_elsewhere(scene: Scene, quorum: int, published: Published, live: Live) -> Published:
    """Count who was folded on one link as somebody new on another."""
    cells = {place: count + Count(0, live.returned[place]) for place, count in live.cells.items()}
    return real(scene, quorum, published, replace(live, cells=cells))


def _with_clickers(
    scene: Scene, published: Published, told: Published, now: list[Count]
) -> Published:
    """Return what is told, but of those who clicked any link what is given, if it is more."""
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
