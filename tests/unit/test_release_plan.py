"""The budget of a campaign's releases: what one contact can cause costs no more than declared."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.release_plan import (
    LINKS_PER_CONTACT,
    MAX_DATES,
    CountKind,
    ReleasePlan,
)

plans = st.builds(ReleasePlan, st.floats(0.01, 20), st.integers(1, MAX_DATES))

LINKS = range(2 * LINKS_PER_CONTACT)
CONTRIBUTIONS = [
    {
        **({(CountKind.OPENS, 0): 1} if has_opened else {}),
        **({(CountKind.CLICKERS, 0): 1} if links else {}),
        **{(CountKind.LINKS, link): 1 for link in links},
    }
    for has_opened in (False, True)
    for number in range(LINKS_PER_CONTACT + 1)
    for links in combinations(LINKS, number)
]
"""All that one contact can add to the counts of a date, people and machines apart."""


def _loss(plan: ReleasePlan, date: int, *, machine: bool) -> float:
    """Return the greatest privacy loss of a date: changes of counts, divided by their scales."""
    return max(
        sum(
            abs(one.get(count, 0) - other.get(count, 0))
            / plan.scale(date, count[0], machine=machine)
            for count in one.keys() | other.keys()
        )
        for one in CONTRIBUTIONS
        for other in CONTRIBUTIONS
    )


@given(plans)
def test_everything_that_a_contact_can_change_costs_epsilon(plan: ReleasePlan) -> None:
    """Whatever a contact did or would have done on each date, the losses add up to epsilon."""
    loss = sum(
        _loss(plan, date, machine=machine)
        for date in range(plan.dates)
        for machine in (False, True)
    )
    assert loss == pytest.approx(plan.epsilon)


@given(plans)
def test_an_aggregate_event_costs_no_more(plan: ReleasePlan) -> None:
    """In mode AGGREGATE, where the guarantee is per event: an open, or a click with its link."""
    for machine in (False, True):
        loss = {
            kind: sum(1 / plan.scale(date, kind, machine=machine) for date in range(plan.dates))
            for kind in CountKind
        }
        assert loss[CountKind.OPENS] <= plan.epsilon
        assert loss[CountKind.CLICKERS] + loss[CountKind.LINKS] <= plan.epsilon


@given(plans)
def test_each_release_has_half_the_noise_of_the_one_before(plan: ReleasePlan) -> None:
    """So the last release, which stays, has at least half of the budget."""
    for kind in CountKind:
        for machine in (False, True):
            scales = [plan.scale(date, kind, machine=machine) for date in range(plan.dates)]
            for earlier, later in pairwise(scales):
                assert later == pytest.approx(earlier / 2)
    assert plan.date_epsilon(plan.dates - 1) >= plan.epsilon / 2
