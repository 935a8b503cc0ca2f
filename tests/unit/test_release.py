"""The release rule."""

from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.release import NOTHING, Count, advance

# People act one after another; some of them again.
histories = st.lists(st.integers(0, 40), max_size=200)


@given(histories, st.integers(2, 20))
def test_a_published_number_advances_only_for_k_more_people(people: list[int], quorum: int) -> None:
    """However often one asks, each change has at least k more distinct people behind it."""
    published = NOTHING
    for acts in range(len(people) + 1):
        live = Count(acts, len(set(people[:acts])))
        step = advance(published, live, quorum, distinct=True)
        if step is not None:
            assert step.unique >= quorum
            published += step
            assert published == live
        assert live.unique - published.unique < quorum


@given(histories, st.integers(2, 20))
def test_where_people_cannot_be_told_apart_events_count(acts: list[int], quorum: int) -> None:
    """AGGREGATE numbers change by at least k events."""
    published = NOTHING
    for count in range(len(acts) + 1):
        step = advance(published, Count(count), quorum, distinct=False)
        if step is not None:
            assert step.total >= quorum
            published += step
    assert published.total == len(acts) // quorum * quorum


@given(histories)
def test_a_quorum_of_one_means_exact_numbers(people: list[int]) -> None:
    """With k = 1 what is published is what is counted, repeats included."""
    published = NOTHING
    for acts in range(len(people) + 1):
        live = Count(acts, len(set(people[:acts])))
        published += advance(published, live, 1, distinct=True) or NOTHING
        assert published == live


def test_repeats_of_known_people_are_held_back() -> None:
    """Events of people who are published already do not show until k others came."""
    assert advance(Count(10, 10), Count(500, 19), 10, distinct=True) is None
    assert advance(Count(10, 10), Count(501, 20), 10, distinct=True) == Count(491, 10)
