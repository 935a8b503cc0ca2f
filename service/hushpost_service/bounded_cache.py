"""Caches of bounded size with FIFO eviction. Pure."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

__all__ = ["BoundedCache", "RecentMisses"]

K = TypeVar("K")
V = TypeVar("V")


class BoundedCache(dict[K, V]):
    """A dictionary of at most `max_entries`; adding another evicts the oldest eighth.

    Evicts in insertion order, not by last use: reads happen for every event, and this way
    they are plain `dict` lookups. Evicts many at once, because finding the oldest entry
    takes time proportional to the number of entries deleted before.
    """

    def __init__(self, max_entries: int) -> None:
        super().__init__()
        self._max_entries = max_entries

    def __setitem__(self, key: K, value: V) -> None:
        if len(self) >= self._max_entries and key not in self:
            self._evict()
        super().__setitem__(key, value)

    def _evict(self) -> None:
        for key in list(islice(self, max(1, self._max_entries // 8))):
            del self[key]


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
