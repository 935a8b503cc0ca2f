"""Which groups have a cell of their own."""

from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.cells import SHARED, cells_of_groups
from hushpost_service.domain.release_plan import MIN_CELL

sizes = st.dictionaries(st.integers(1, 9), st.integers(0, 2 * MIN_CELL))


def test_large_groups_get_cells_at_the_first_release() -> None:
    """Groups with enough anonymous messages have their own cell, all others share one."""
    anonymous = {1: MIN_CELL, 2: MIN_CELL - 1, 4: 9 * MIN_CELL}
    cells = cells_of_groups(dict.fromkeys(range(1, 5)), anonymous)
    assert cells == {1: 1, 2: SHARED, 3: SHARED, 4: 4}


@given(first=sizes, later=sizes)
def test_a_cell_is_for_good(first: dict[int, int], later: dict[int, int]) -> None:
    """Whatever is sent later, groups keep their cells, and new groups share one."""
    before = cells_of_groups(dict.fromkeys(first), first)
    groups: dict[int, int | None] = {**dict.fromkeys(later), **before}
    if not before:
        return
    after = cells_of_groups(groups, later)
    assert {group: after[group] for group in before} == before
    assert {after[group] for group in later if group not in before} <= {SHARED}
