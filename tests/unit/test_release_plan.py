"""The budget of a campaign's releases: what one contact can cause costs no more than declared."""

from itertools import pairwise

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

CHANGES = {
    # One open and one clicker more or less.
    CountKind.OPENS: 1,
    CountKind.CLICKERS: 1,
    # The contact's links count on `LINKS_PER_CONTACT` links, and on others without its acts.
    CountKind.LINKS: 2 * LINKS_PER_CONTACT,
}
"""By how much a contact can change the counts of a kind at one date, in sum."""


@given(plans)
def test_everything_that_a_contact_can_change_costs_epsilon(plan: ReleasePlan) -> None:
    """The loss of a count is its change divided by the scale; they add up to epsilon."""
    loss = sum(
        CHANGES[kind] / plan.scale(date, kind, machine=machine)
        for date in range(plan.dates)
        for kind in CountKind
        for machine in (False, True)
    )
    assert loss == pytest.approx(plan.epsilon)


@given(plans)
def test_each_release_has_half_the_noise_of_the_one_before(plan: ReleasePlan) -> None:
    """So the last release, which stays, has at least half of the budget."""
    for kind in CountKind:
        for machine in (False, True):
            scales = [plan.scale(date, kind, machine=machine) for date in range(plan.dates)]
            for earlier, later in pairwise(scales):
                assert later == pytest.approx(earlier / 2)
    assert plan.date_epsilon(plan.dates - 1) >= plan.epsilon / 2
