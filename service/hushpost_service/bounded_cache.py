"""Caches of bounded size with FIFO eviction. Pure."""

from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["BoundedCache", "RecentMisses"]

K = TypeVar("K")
V = TypeVar("V")


class BoundedCache(dict[K, V]):
    """A dictionary of at most `max_entries`; adding another evicts the oldest.

    Evicts in insertion order, not by last use: reads happen for every event, and this way
    they are plain `dict` lookups.
    """

    def __init__(self, max_entries: int) -> None:
        super().__init__()
        self._max_entries = max_entries

    def __setitem__(self, key: K, value: V) -> None:
        if len(self) >= self._max_entries and key not in self:
            del self[next(iter(self))]
        super().__setitem__(key, value)


class RecentMisses:
    """Keys that were looked up a moment ago and do not exist."""

    def __init__(self, max_keys: int, seconds: float, clock: Callable[[], float]) -> None:
        """Remember up to `max_keys` keys, each for `seconds` of the clock."""
        self._expiry: BoundedCache[int, float] = BoundedCache(max_keys)
        self._seconds = seconds
        self._clock = clock

    def add(self, keys: Iterable[int]) -> None:
        """Remember keys."""
        expiry = self._clock() + self._seconds
        for key in keys:
            self._expiry[key] = expiry

    def __contains__(self, key: int) -> bool:
        """Return whether a key is remembered."""
        return self._expiry.get(key, 0.0) > self._clock()
