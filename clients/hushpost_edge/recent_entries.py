"""A dictionary that forgets its entries after some time, with bounded memory."""

from typing import Generic, TypeVar

__all__ = ["RecentEntries"]

K = TypeVar("K")
V = TypeVar("V")


class RecentEntries(Generic[K, V]):
    """Remembers entries for `seconds`, or less if there are more than `max_entries`.

    Entries are kept in two generations, and the older one is dropped as a whole: to search
    for expired entries would cost more than everything else. So an entry can be found for up
    to twice the time. Times are seconds of any steady clock.
    """

    def __init__(self, seconds: float, max_entries: int, now: float) -> None:
        self._seconds = seconds
        self._max_entries = max_entries
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._generation_start = now

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def find(self, key: K, now: float) -> V | None:
        """Return the value of a key, None if it is not remembered."""
        if now - self._generation_start > self._seconds or len(self._young) >= self._max_entries:
            self._old, self._young, self._generation_start = self._young, {}, now
        value = self._young.get(key)
        return self._old.get(key) if value is None else value

    def set(self, key: K, value: V) -> None:
        """Set the value of a key; it is remembered from now on."""
        self._young[key] = value
