"""Every sequence of acts of small size is tried against the release rule, as a reader would."""

from dataclasses import replace

import pytest

from . import rules
from .attack import FULL, Attack, Score
from .conftest import Report
from .scene import Named, Scene
from .worlds import Rule, Worlds

_LINK, _OTHER_LINK = frozenset({0}), frozenset({1})
_NO_MORE = 20
"""People in a group that nobody gets to the end of."""

_ONE_LINK = Scene(_NO_MORE, links=1, acts=12, changes=9)
_TWO_LINKS = Scene(_NO_MORE, links=2, acts=8, changes=5)
_TWO_LINKS_ONCE = replace(_TWO_LINKS, acts=9, changes=6, cap=1)
_TWO_GROUPS = Scene(_NO_MORE, links=1, acts=8, changes=6, cap=1, groups=2)
_OPENS = Scene(_NO_MORE, links=1, acts=8, changes=6, cap=1, opens=True)
_RAISED = ((2, 0), (3, 0))
_ONE_LEFT = Scene(1, links=2, acts=8, changes=6, cap=1, phases=((2, 1),), named=(Named(0, _LINK),))

_ALONE = [
    _ONE_LINK,
    replace(_ONE_LINK, acts=14, changes=11, phases=((3, 0),)),
    replace(_ONE_LINK, phases=_RAISED),
    _TWO_LINKS,
    replace(_TWO_LINKS_ONCE, phases=_RAISED),
    _TWO_GROUPS,
    _OPENS,
]
_SMALL = [
    replace(scene, people=people)
    for people in range(1, 6)
    for scene in (
        _ONE_LINK,
        replace(_ONE_LINK, phases=((3, 0),)),
        replace(_TWO_LINKS_ONCE, acts=8, changes=5),
        _TWO_GROUPS,
    )
]
_AFTER_OPT_OUTS = [
    _ONE_LEFT,
    replace(_ONE_LEFT, phases=((2, 2),), named=(Named(0, _LINK),) * 2),
    replace(_ONE_LINK, acts=9, changes=7, phases=((2, 0), (2, 1)), named=(Named(0, _LINK),)),
    replace(_TWO_LINKS, phases=((2, 1),), named=(Named(0, _LINK),)),
    replace(_ONE_LEFT, people=2, phases=((2, 0), (2, 2)), named=(Named(0, _LINK),) * 2),
    replace(_OPENS, acts=7, changes=5, phases=((2, 0), (2, 1)), named=(Named(0, _OTHER_LINK),)),
]
_AGGREGATE = [
    replace(_TWO_LINKS, people=2, distinct=False),
    replace(_ONE_LINK, people=3, distinct=False, phases=((3, 0),)),
]
_DEEP = [
    replace(_TWO_LINKS, acts=10, changes=7),
    replace(_TWO_LINKS_ONCE, acts=10, changes=7, phases=_RAISED),
    replace(_TWO_LINKS_ONCE, acts=12, changes=9, phases=((3, 0), (4, 0))),
    replace(_TWO_LINKS_ONCE, links=3, acts=8, changes=6),
    replace(_TWO_GROUPS, links=2, acts=7, changes=5),
    replace(_OPENS, links=2, acts=7, changes=5),
    replace(_ONE_LEFT, people=3, phases=((2, 0), (2, 2)), named=(Named(0, _LINK),) * 2),
    replace(
        _ONE_LEFT,
        people=_NO_MORE,
        phases=((2, 0), (2, 2)),
        named=(Named(0, _LINK), Named(0, _OTHER_LINK)),
    ),
    replace(
        _ONE_LINK,
        acts=10,
        changes=8,
        phases=((2, 0), (2, 1), (3, 2)),
        named=(Named(0, _LINK),) * 2,
    ),
]
_SCENES = _ALONE + _SMALL + _AFTER_OPT_OUTS + _AGGREGATE + (_DEEP if FULL else [])

_SELDOM = [
    replace(scene, polls=polls)
    for scene in (_ONE_LINK, _TWO_LINKS)
    for polls in ((3,), (3, 1), (1, 3), (4, 1), (5,))
] + [replace(_ONE_LINK, acts=13, phases=((3, 0),), polls=(4, 1))]

_CONTROLS: list[tuple[Rule, Scene]] = [
    (rules.present_state, _ONE_LINK),
    (rules.present_state, _TWO_LINKS),
    (rules.any_link_by_itself, _TWO_LINKS_ONCE),
    (rules.link_over_groups, _TWO_GROUPS),
    (rules.repeats_of_the_first, _ONE_LINK),
    (rules.any_link_total_by_itself, replace(_TWO_LINKS, acts=9, changes=6)),
    (rules.any_link_catching_up, replace(_TWO_LINKS_ONCE, changes=7)),
    (rules.anonymized_elsewhere, _ONE_LEFT),
    # A group of fewer than k.
    (rules.real, replace(_ONE_LINK, people=1, distinct=False)),
    (rules.real, replace(_ONE_LINK, people=2, distinct=False, phases=((3, 0),))),
]


def _is_broken(scene: Scene, rule: Rule) -> bool:
    return next(Worlds(scene, rule).breaks(), None) is not None


def test_no_reader_knows_of_fewer_than_a_quorum(report: Report) -> None:
    """No set of people that can be named is known to be small, nor anybody to have acted."""
    broken = [scene for scene in _SCENES if _is_broken(scene, rules.real)]
    caught = [_is_broken(scene, rule) for rule, scene in _CONTROLS]
    report(
        Attack(
            "every world, asking after every act",
            real=Score(len(_SCENES), len(broken)),
            control=Score(len(caught), sum(caught)),
        )
    )
    assert not broken
    assert all(caught)


def test_asking_seldom_tells_no_more(report: Report) -> None:
    """Readers who let a few acts go by before they ask again know no more either."""
    broken = [scene for scene in _SELDOM if _is_broken(scene, rules.real)]
    control = [_is_broken(scene, rules.repeats_of_the_first) for scene in _SELDOM]
    report(
        Attack(
            "every world, asking seldom",
            real=Score(len(_SELDOM), len(broken)),
            control=Score(len(control), sum(control)),
        )
    )
    assert not broken
    assert any(control)


@pytest.mark.parametrize(
    ("people", "known"),
    [(2, "everybody of group 0 acted"), (3, "fewer than 2 people: [('group 0', (0,))]")],
)
def test_who_is_left_over_when_nearly_all_act(people: int, known: str, report: Report) -> None:
    """When all of a group are published, all acted; when all but a few, few did not."""
    scene = Scene(people, links=1, acts=6, changes=4, cap=1, limits=True)
    found = list(Worlds(scene, rules.real).breaks())
    control = list(Worlds(replace(scene, limits=False), rules.real).breaks())
    report(
        Attack(
            f"{people // 2 * 2} of {people} published (documented limit)",
            real=Score(1, int(bool(found))),
            control=Score(1, 1),
        )
    )
    assert any(known in one.known for one in found)
    assert not control
