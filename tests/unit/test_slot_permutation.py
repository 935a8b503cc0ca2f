"""The slots of messages: distinct, dense, and in no relation to the order of issue."""

import secrets
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.counters import CHUNK_SLOTS
from hushpost_service.tokens.slot_permutation import DEFAULT_EXPECTED, SlotPermutation

KEY = bytes(range(32))
CAMPAIGN, GROUP = (7 << 40) + 3, 2


def _slots(count: int, expected: int = DEFAULT_EXPECTED, key: bytes = KEY) -> list[int]:
    return SlotPermutation().slots(key, CAMPAIGN, GROUP, expected, range(count))


@pytest.mark.parametrize(
    ("expected", "domain"),
    [(1, 4096), (4096, 4096), (4097, 8192), (16_384, 16_384), (300_000, 2 * 262_144)],
)
def test_slots_are_a_permutation_of_the_expected_messages(expected: int, domain: int) -> None:
    """The messages of a full group have each slot of its domain once."""
    assert sorted(_slots(domain, expected)) == list(range(domain))


def test_messages_beyond_the_expected_number_get_further_slots() -> None:
    """No slot is used twice; the later messages have slots of their own."""
    found = _slots(10_000, expected=4096)
    assert len(set(found)) == 10_000
    assert max(found[:4096]) < 4096 <= min(found[4096:])


@given(st.lists(st.integers(0, 2**20), max_size=50), st.sampled_from((1, 5000, 300_000)))
def test_the_slot_of_a_message_depends_on_its_index_only(indexes: list[int], expected: int) -> None:
    """Messages get the same slots one by one and together, also from another process."""
    together = SlotPermutation().slots(KEY, CAMPAIGN, GROUP, expected, indexes)
    one_by_one = SlotPermutation()
    assert together == [
        slot
        for index in indexes
        for slot in one_by_one.slots(KEY, CAMPAIGN, GROUP, expected, [index])
    ]


def test_slots_stay_the_same_in_later_versions() -> None:
    """Repeated calls must return the same tokens, also after an update."""
    assert _slots(6) == [14748, 7522, 1617, 1785, 2565, 714]


def test_neighbours_in_the_order_of_issue_are_no_neighbours_as_slots() -> None:
    """Distances of slots are as between random places: the mean is a third of the domain."""
    distances = [abs(one - other) for one, other in pairwise(_slots(DEFAULT_EXPECTED))]
    assert np.mean(distances) == pytest.approx(DEFAULT_EXPECTED / 3, rel=0.05)


def test_each_slot_is_equally_likely() -> None:
    """The first message gets each eighth of the slots equally often, over many keys."""
    counts = [0] * 8
    rounds = 800
    for _ in range(rounds):
        (slot,) = SlotPermutation().slots(secrets.token_bytes(32), CAMPAIGN, GROUP, 1, [0])
        counts[slot * 8 // CHUNK_SLOTS] += 1
    assert all(abs(count - rounds / 8) < 70 for count in counts), counts


@pytest.mark.parametrize(
    ("key", "campaign", "group"),
    [(bytes(32), CAMPAIGN, GROUP), (KEY, CAMPAIGN + 1, GROUP), (KEY, CAMPAIGN, GROUP + 1)],
)
def test_another_key_campaign_or_group_has_unrelated_slots(
    key: bytes, campaign: int, group: int
) -> None:
    """About one of 16,384 messages has the same slot by chance."""
    other = SlotPermutation().slots(key, campaign, group, DEFAULT_EXPECTED, range(DEFAULT_EXPECTED))
    same = sum(one == another for one, another in zip(_slots(DEFAULT_EXPECTED), other, strict=True))
    assert same < 12


def test_parts_that_share_a_group_are_shuffled_differently() -> None:
    """The order of one part tells nothing of the next one's."""
    found = _slots(2 * 4096, expected=4096)
    first, second = found[:4096], [slot - 4096 for slot in found[4096:]]
    assert sum(one == other for one, other in zip(first, second, strict=True)) < 12
