"""Chooses the numbers of new contacts, so that no number ever names two contacts. Pure.

Numbers do not come from a sequence of the database: after a restore from a backup, or the
promotion of a standby that lacks the last commits, it would return numbers again that
tokens in mail already contain. Instead each process takes a random range of 2**24 numbers
and uses each number once. Two of n processes have the same range with a probability of
about n**2 / 2**40: 10**-6 for 1,000 processes.

Numbers ascend within a range, so contacts that are created together are adjacent in the
indexes of `contacts` and `events`, and a contact that is erased and created anew has a higher
number or one of another range.
"""

from collections.abc import Callable

__all__ = ["RANGE_BITS", "ContactNumbers"]

RANGE_BITS = 24
"""The lower bits of a number; the higher ones are its range."""

_PREFIX_BITS = 63 - RANGE_BITS


class ContactNumbers:
    """The unused numbers of a process. Numbers have 63 bits and are never 0."""

    def __init__(self, random_below: Callable[[int], int]) -> None:
        """Take a function that returns a random number from 0 to one less than its argument."""
        self._random_below = random_below
        self._next = self._end = 0

    def take(self, count: int) -> int:
        """Return the first of `count` consecutive numbers, at most 2**24."""
        if self._end - self._next < count:
            self.change_range()
        first = self._next
        self._next += count
        return first

    def change_range(self) -> None:
        """Continue in another range; call if a number turns out to be taken."""
        # A prefix of 0 would contain the number 0, which means "no contact" in tokens.
        prefix = 1 + self._random_below(2**_PREFIX_BITS - 1)
        self._next = prefix << RANGE_BITS
        self._end = self._next + (1 << RANGE_BITS)
