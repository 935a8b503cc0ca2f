"""Limits how often someone may try to sign in, per address and in total.

API keys cannot be guessed. The limit keeps attempts from loading the authority.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["LoginLimit"]

_MAX_ADDRESSES = 10_000


@dataclass(frozen=True, slots=True)
class _Rate:
    """One attempt per `interval` seconds, and `burst` at once."""

    interval: float
    burst: int


_PER_ADDRESS = _Rate(interval=30.0, burst=10)
_TOTAL = _Rate(interval=0.05, burst=100)


class LoginLimit:
    """Counts attempts with the generic cell rate algorithm: one number per address.

    A number is the time at which all attempts of the address will have been forgotten. At
    most 10,000 addresses are remembered; after that, the one that tried longest ago is
    forgotten, and the total still limits.

    Args:
        clock: Seconds of a steady clock.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._total = 0.0
        self._addresses: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._addresses)

    def attempt(self, network: bytes) -> float:
        """Count an attempt; return 0 if it is allowed, or after how many seconds the next one is.

        A rejected attempt does not count.
        """
        now = self._clock()
        free_at = max(self._addresses.get(network, now), now)
        total = max(self._total, now)
        wait = max(_wait(free_at, now, _PER_ADDRESS), _wait(total, now, _TOTAL))
        if wait:
            return wait
        self._total = total + _TOTAL.interval
        self._addresses[network] = free_at + _PER_ADDRESS.interval
        self._addresses.move_to_end(network)
        if len(self._addresses) > _MAX_ADDRESSES:
            self._addresses.popitem(last=False)
        return 0.0

    def succeed(self, network: bytes) -> None:
        """Do not count the last attempt against its address: many people may share it."""
        if network in self._addresses:
            self._addresses[network] -= _PER_ADDRESS.interval


def _wait(free_at: float, now: float, rate: _Rate) -> float:
    return max(0.0, free_at - now - rate.interval * (rate.burst - 1))
