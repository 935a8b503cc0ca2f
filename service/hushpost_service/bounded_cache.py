"""What a process remembers: a dictionary that does not grow without bound. Pure."""

from typing import TypeVar

__all__ = ["BoundedCache"]

K = TypeVar("K")
V = TypeVar("V")


class BoundedCache(dict[K, V]):
    """A dictionary of at most `size` entries; a further one drives out the oldest.

    Looked into for every event, so that reading is a dictionary's own `get`,
    which keeps no order of use.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def __setitem__(self, key: K, value: V) -> None:
        if len(self) >= self._size and key not in self:
            del self[next(iter(self))]
        super().__setitem__(key, value)
