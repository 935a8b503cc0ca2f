"""No two contacts get the same number, whatever a database has forgotten."""

import secrets
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.contact_numbers import ContactNumbers

RANGE = 2**24
MAX_NUMBER = 2**63 - 1


@given(st.lists(st.integers(1, RANGE), min_size=1, max_size=20))
def test_a_process_never_repeats_a_number(counts: list[int]) -> None:
    """Each call returns consecutive numbers that no other call has returned."""
    numbers = ContactNumbers(secrets.randbelow)
    taken = sorted((numbers.take(count), count) for count in counts)
    assert all(first + count <= later for (first, count), (later, _) in pairwise(taken))


def test_numbers_are_consecutive_until_the_range_ends() -> None:
    """Contacts that are created together are adjacent; a new range starts when one is used up."""
    prefixes = iter([5, 9])
    numbers = ContactNumbers(lambda _: next(prefixes))
    assert [numbers.take(count) for count in (1, 2, RANGE - 10, 1, 8, 1)] == [
        6 * RANGE,
        6 * RANGE + 1,
        6 * RANGE + 3,
        7 * RANGE - 7,
        10 * RANGE,
        10 * RANGE + 8,
    ]


def test_numbers_are_positive_63_bit_integers_and_never_0() -> None:
    """The lowest and the highest possible range contain valid numbers only; 0 is no contact."""
    lowest = ContactNumbers(lambda _: 0)
    assert lowest.take(1) == RANGE
    highest = ContactNumbers(lambda below: below - 1)
    assert highest.take(RANGE) + RANGE - 1 == MAX_NUMBER


def test_processes_choose_different_ranges() -> None:
    """Processes with real randomness do not share a range; this fails once in 10^5 runs."""
    firsts = {ContactNumbers(secrets.randbelow).take(1) for _ in range(1000)}
    assert len(firsts) == 1000
