"""The links on which clicks count."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.counters import CLICK_CHUNK_SLOTS, slot_bits
from hushpost_service.domain.link_choice import counted_slots
from hushpost_service.domain.release_plan import LINKS_PER_CONTACT

clicks = st.dictionaries(
    st.integers(1, 10_000), st.sets(st.integers(0, CLICK_CHUNK_SLOTS - 1), min_size=1), max_size=6
)


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _bitmaps(slots: dict[int, set[int]]) -> dict[int, bytes]:
    return {link: slot_bits(link, members) for link, members in slots.items()}


@given(clicks, st.integers(0))
def test_each_slot_counts_on_few_links(slots: dict[int, set[int]], seed: int) -> None:
    """The counts add up to the links per slot, at most `LINKS_PER_CONTACT` each."""
    found = counted_slots(_bitmaps(slots), _rng(seed))
    assert found.keys() == slots.keys()
    links_of: dict[int, int] = {}
    for members in slots.values():
        for slot in members:
            links_of[slot] = links_of.get(slot, 0) + 1
    assert sum(found.values()) == sum(min(n, LINKS_PER_CONTACT) for n in links_of.values())
    assert all(0 <= found[link] <= len(slots[link]) for link in slots)


@given(clicks, st.sets(st.integers(1, 10_000)), st.sets(st.integers(1, 10_000)), st.integers(0))
def test_one_slot_changes_the_counts_by_its_bound(
    slots: dict[int, set[int]], links: set[int], more: set[int], seed: int
) -> None:
    """If one slot clicks other links, each link that it counted on may lose or gain one."""
    # The greatest slot draws last, so that the others draw the same links in both cases.
    slot = CLICK_CHUNK_SLOTS - 1
    others = {link: members - {slot} for link, members in slots.items()}

    def counted(chosen: set[int]) -> dict[int, int]:
        clicked = {
            link: others.get(link, set()) | ({slot} if link in chosen else set())
            for link in others.keys() | links | more
        }
        return counted_slots(_bitmaps(clicked), _rng(seed))

    one, other = counted(links), counted(links | more)
    difference = sum(abs(one.get(n, 0) - other.get(n, 0)) for n in {*one, *other})
    assert difference <= 2 * LINKS_PER_CONTACT


def test_no_link_is_preferred() -> None:
    """Slots that clicked three links count on each of them equally often."""
    everyone = set(range(CLICK_CHUNK_SLOTS))
    found = counted_slots(_bitmaps({7: everyone, 2: everyone, 900: everyone}), _rng(1))
    assert sum(found.values()) == CLICK_CHUNK_SLOTS * LINKS_PER_CONTACT
    expected = CLICK_CHUNK_SLOTS * LINKS_PER_CONTACT / 3
    assert all(abs(count - expected) < 250 for count in found.values())


def test_no_clicks() -> None:
    """Without links there is nothing to count."""
    assert counted_slots({}, _rng(1)) == {}
