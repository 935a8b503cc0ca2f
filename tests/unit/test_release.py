"""The release rule."""

from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.release import NOTHING, Count, advance, advance_clickers

# People act in sequence, some of them repeatedly.
histories = st.lists(st.integers(0, 40), max_size=200)


@given(histories, st.integers(2, 20))
def test_a_published_count_advances_only_for_k_more_people(people: list[int], quorum: int) -> None:
    """However often a report is read, each change requires at least k more distinct people."""
    published = NOTHING
    for acts in range(len(people) + 1):
        live = Count(acts, len(set(people[:acts])))
        step = advance(published, live, quorum, distinct=True)
        if step is not None:
            assert step.unique >= quorum
            published += step
        assert published.total % quorum == published.unique % quorum == 0
        assert 0 <= live.unique - published.unique < quorum
        assert published.unique <= published.total <= live.total


@given(histories, st.integers(2, 20), st.sets(st.integers(0, 200)))
def test_the_time_of_reading_does_not_change_people(
    people: list[int], quorum: int, asked: set[int]
) -> None:
    """Reading rarely yields the same final count as reading after every act."""
    published = NOTHING
    for acts in range(len(people) + 1):
        if acts in asked or acts == len(people):
            live = Count(acts, len(set(people[:acts])))
            published += advance(published, live, quorum, distinct=True) or NOTHING
    assert published.unique == len(set(people)) // quorum * quorum


@given(histories, st.integers(2, 20))
def test_aggregate_counts_advance_by_events(acts: list[int], quorum: int) -> None:
    """AGGREGATE counts change by at least k events."""
    published = NOTHING
    for count in range(len(acts) + 1):
        step = advance(published, Count(count), quorum, distinct=False)
        if step is not None:
            assert step.total >= quorum
            published += step
    assert published.total == len(acts) // quorum * quorum


@given(histories)
def test_a_quorum_of_one_publishes_exact_counts(people: list[int]) -> None:
    """With k = 1, the published count equals the live count, including repeats."""
    published = NOTHING
    for acts in range(len(people) + 1):
        live = Count(acts, len(set(people[:acts])))
        published += advance(published, live, 1, distinct=True) or NOTHING
        assert published == live


def test_repeats_of_known_people_are_held_back() -> None:
    """Repeated events of published people stay hidden until k more people came."""
    assert advance(Count(10, 10), Count(500, 19), 10, distinct=True) is None
    assert advance(Count(10, 10), Count(501, 20), 10, distinct=True) == Count(490, 10)


def test_the_first_people_show_no_repeats() -> None:
    """The first published people include no repeats, which could come from fewer than k people."""
    assert advance(NOTHING, Count(500, 19), 10, distinct=True) == Count(10, 10)
    assert advance(NOTHING, Count(500, 25), 10, distinct=True) == Count(20, 20)
    assert advance(Count(20, 20), Count(501, 30), 10, distinct=True) == Count(480, 10)


def test_a_single_repeat_does_not_show() -> None:
    """A single repeated event is not published."""
    assert advance(Count(10, 10), Count(21, 20), 10, distinct=True) == Count(10, 10)


clicks = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2)), max_size=150)


@given(clicks, st.integers(1, 6))
def test_clickers_advance_only_with_links(clicked: list[tuple[int, int]], quorum: int) -> None:
    """Published clickers are multiples of k, at least those of each link, and at most all."""
    links = [NOTHING] * 3
    clickers = 0
    for acts in range(1, len(clicked) + 1):
        happened = clicked[:acts]
        advanced = []
        for link, published in enumerate(links):
            people = [person for person, where in happened if where == link]
            live = Count(len(people), len(set(people)))
            step = advance(published, live, quorum, distinct=True)
            if step is not None:
                advanced.append((published.unique, step.unique))
                links[link] = published + step
        if not advanced:
            continue
        live_clickers = len({person for person, _ in happened})
        clickers += advance_clickers(clickers, live_clickers, quorum, advanced)
        greatest = max(link.unique for link in links)
        assert greatest <= clickers <= min(live_clickers, sum(link.unique for link in links))
        assert clickers % quorum == 0
        assert quorum > 1 or clickers == live_clickers


@given(histories, st.integers(2, 20), st.integers(2, 20), st.integers(0, 200))
def test_a_raised_quorum_keeps_published_counts(
    people: list[int], quorum: int, raised: int, moment: int
) -> None:
    """Published counts stay; the next step has the size of the raised quorum."""
    published = NOTHING
    for acts in range(len(people) + 1):
        now = quorum if acts < moment else quorum + raised
        live = Count(acts, len(set(people[:acts])))
        step = advance(published, live, now, distinct=True)
        if step is not None:
            assert step.unique >= now
            assert step.total >= 0
            published += step
