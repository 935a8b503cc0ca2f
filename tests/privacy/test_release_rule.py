"""Check the release rule exhaustively on all short sequences of events in small campaigns."""

from dataclasses import replace

import pytest

from . import release_rules
from .attack import FULL, Attack, Score
from .conftest import Report
from .possible_histories import PossibleHistories, Rule
from .small_campaigns import Named, SmallCampaign

_LINK, _OTHER_LINK = frozenset({0}), frozenset({1})
_UNLIMITED = 20
"""A group size that no sequence of events exhausts."""

_ONE_LINK = SmallCampaign(_UNLIMITED, links=1, acts=12, changes=9)
_TWO_LINKS = SmallCampaign(_UNLIMITED, links=2, acts=8, changes=5)
_TWO_LINKS_ONCE = replace(_TWO_LINKS, acts=9, changes=6, cap=1)
_TWO_GROUPS = SmallCampaign(_UNLIMITED, links=1, acts=8, changes=6, cap=1, groups=2)
_OPENS = SmallCampaign(_UNLIMITED, links=1, acts=8, changes=6, cap=1, opens=True)
_RAISED = ((2, 0), (3, 0))
_ONE_LEFT = SmallCampaign(
    1, links=2, acts=8, changes=6, cap=1, phases=((2, 1),), named=(Named(0, _LINK),)
)

_BASIC = [
    _ONE_LINK,
    replace(_ONE_LINK, acts=14, changes=11, phases=((3, 0),)),
    replace(_ONE_LINK, phases=_RAISED),
    _TWO_LINKS,
    replace(_TWO_LINKS_ONCE, phases=_RAISED),
    _TWO_GROUPS,
    _OPENS,
]
_SMALL = [
    replace(campaign, people=people)
    for people in range(1, 6)
    for campaign in (
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
        people=_UNLIMITED,
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
_CAMPAIGNS = _BASIC + _SMALL + _AFTER_OPT_OUTS + _AGGREGATE + (_DEEP if FULL else [])

_RARE_REQUESTS = [
    replace(campaign, polls=polls)
    for campaign in (_ONE_LINK, _TWO_LINKS)
    for polls in ((3,), (3, 1), (1, 3), (4, 1), (5,))
] + [replace(_ONE_LINK, acts=13, phases=((3, 0),), polls=(4, 1))]

_CONTROLS: list[tuple[Rule, SmallCampaign]] = [
    (release_rules.present_state, _ONE_LINK),
    (release_rules.present_state, _TWO_LINKS),
    (release_rules.any_link_by_itself, _TWO_LINKS_ONCE),
    (release_rules.link_over_groups, _TWO_GROUPS),
    (release_rules.repeats_of_the_first, _ONE_LINK),
    (release_rules.any_link_total_by_itself, replace(_TWO_LINKS, acts=9, changes=6)),
    (release_rules.any_link_catching_up, replace(_TWO_LINKS_ONCE, changes=7)),
    (release_rules.anonymized_elsewhere, _ONE_LEFT),
    # A group of fewer than k.
    (release_rules.real, replace(_ONE_LINK, people=1, distinct=False)),
    (release_rules.real, replace(_ONE_LINK, people=2, distinct=False, phases=((3, 0),))),
]


def _has_leak(campaign: SmallCampaign, rule: Rule) -> bool:
    return next(PossibleHistories(campaign, rule).leaks(), None) is not None


def test_release_rule_hides_sets_smaller_than_the_quorum(report: Report) -> None:
    """A reader cannot conclude that a set of fewer than k people exists, or that all acted."""
    leaking = [campaign for campaign in _CAMPAIGNS if _has_leak(campaign, release_rules.real)]
    caught = [_has_leak(campaign, rule) for rule, campaign in _CONTROLS]
    report(
        Attack(
            "release rule, request per event",
            real=Score(len(_CAMPAIGNS), len(leaking)),
            control=Score(len(caught), sum(caught)),
        )
    )
    assert not leaking
    assert all(caught)


def test_less_frequent_requests_reveal_no_more(report: Report) -> None:
    """The release rule also holds when several events happen between two requests."""
    leaking = [campaign for campaign in _RARE_REQUESTS if _has_leak(campaign, release_rules.real)]
    control = [
        _has_leak(campaign, release_rules.repeats_of_the_first) for campaign in _RARE_REQUESTS
    ]
    report(
        Attack(
            "release rule, rare requests",
            real=Score(len(_RARE_REQUESTS), len(leaking)),
            control=Score(len(control), sum(control)),
        )
    )
    assert not leaking
    assert any(control)


@pytest.mark.parametrize(
    ("people", "known"),
    [(2, "everybody of group 0 acted"), (3, "fewer than 2 people: [('group 0', (0,))]")],
)
def test_small_remainder_of_a_group_is_revealed(people: int, known: str, report: Report) -> None:
    """Documented limit: if (nearly) a whole group is published, (nearly) everybody acted."""
    campaign = SmallCampaign(people, links=1, acts=6, changes=4, cap=1, limits=True)
    found = list(PossibleHistories(campaign, release_rules.real).leaks())
    control = list(PossibleHistories(replace(campaign, limits=False), release_rules.real).leaks())
    report(
        Attack(
            f"{people // 2 * 2} of {people} published (documented limit)",
            real=Score(1, int(bool(found))),
            control=Score(1, 1),
        )
    )
    assert any(known in one.known for one in found)
    assert not control
