"""The retry policy: exponential backoff with full jitter."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["RetryPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how soon a call is retried while the authority is UNAVAILABLE.

    Only calls with a `request_id` (an idempotency key) are retried, because only those
    count once however often they arrive; every write that could count twice has one.
    The backoff is random between zero and a bound that doubles from `initial_backoff`
    to `max_backoff` ("full jitter", so that clients do not return in a wave), plus
    the delay that the authority requested. No try starts after the call's timeout.

    Attributes:
        max_tries: How often to try, including the first time; 1 disables retries.
        initial_backoff: The bound of the first backoff, in seconds.
        max_backoff: The bound of every backoff, in seconds.

    Raises:
        ValueError: if `max_tries` is below 1, or `initial_backoff` is negative or
            above `max_backoff`.
    """

    max_tries: int = 5
    initial_backoff: float = 0.1
    max_backoff: float = 1.0

    def __post_init__(self) -> None:
        if self.max_tries < 1:
            raise ValueError("max_tries must be at least 1")
        if not 0 <= self.initial_backoff <= self.max_backoff:
            raise ValueError("initial_backoff must be between 0 and max_backoff")

    def backoff(
        self,
        failures: int,
        retry_after: float | None,
        uniform: Callable[[float, float], float],
    ) -> float:
        """Return the seconds to wait before the next try.

        Args:
            failures: How many tries have failed in a row, from 1.
            retry_after: The delay that the authority requested, in seconds.
            uniform: Returns a random number between two bounds.
        """
        # The exponent is capped because 2.0**1024 would overflow.
        bound = min(self.max_backoff, self.initial_backoff * 2.0 ** min(failures - 1, 1000))
        return (retry_after or 0.0) + uniform(0.0, bound)
