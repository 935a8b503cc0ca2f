"""When to try again, and after how long."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["RetryPolicy"]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a call is tried while the authority is UNAVAILABLE.

    Only calls with a `request_id` are tried again, because only those count
    once however often they arrive; every write carries one. Between two tries
    lies a random time between zero and a bound that doubles from
    `initial_backoff` to `max_backoff` ("full jitter", so that the clients of an
    authority that comes back do not all call at once), on top of the time that
    the authority asked for. No try begins after the call's timeout.

    Attributes:
        max_tries: Tries in all, the first one included; 1 means no retry.
        initial_backoff: Bound of the first wait, in seconds.
        max_backoff: Bound of every wait, in seconds.
    """

    max_tries: int = 5
    initial_backoff: float = 0.1
    max_backoff: float = 5.0

    def __post_init__(self) -> None:
        if self.max_tries < 1:
            raise ValueError("max_tries must be at least 1")
        if not 0 <= self.initial_backoff <= self.max_backoff:
            raise ValueError("initial_backoff must be between 0 and max_backoff")

    def wait(
        self,
        failures: int,
        retry_after: float | None,
        uniform: Callable[[float, float], float],
    ) -> float:
        """Answer the seconds to wait after so many failures in a row (1…).

        Args:
            failures: How many tries have failed so far.
            retry_after: What the authority asked for, in seconds.
            uniform: A random number between two bounds.
        """
        # 2.0**1000 is still a float, so failures in the thousands don't overflow.
        bound = min(self.max_backoff, self.initial_backoff * 2.0 ** min(failures - 1, 1000))
        return (retry_after or 0.0) + uniform(0.0, bound)
