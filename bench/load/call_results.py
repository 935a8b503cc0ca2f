"""How the calls of a load ended."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.results import percentile

__all__ = ["OK", "REJECTED", "CallResult", "CallResults"]

OK = "OK"
REJECTED = "RESOURCE_EXHAUSTED"


class CallResult(NamedTuple):
    """One call; times are in seconds since the start of the load."""

    due: float
    completed: float
    status: str

    @property
    def latency(self) -> float:
        """Seconds from when the call was due to its response."""
        return self.completed - self.due


@dataclass(frozen=True, slots=True)
class CallResults:
    """All calls of a load; the last one was sent `sending_seconds` after the start."""

    calls: Sequence[CallResult]
    sending_seconds: float

    def percentile(self, share: float, status: str = OK) -> float:
        """Return a latency percentile in seconds; 0 if no call ended with that status."""
        latencies = [call.latency for call in self.calls if call.status == status]
        return percentile(latencies, share) if latencies else 0

    @property
    def statuses(self) -> Counter[str]:
        """Number of calls by status."""
        return Counter(call.status for call in self.calls)

    @property
    def unknown(self) -> int:
        """Number of calls that were neither recorded nor rejected: either may have happened."""
        statuses = self.statuses
        return statuses.total() - statuses[OK] - statuses[REJECTED]

    def check(self) -> None:
        """Assert that every call succeeded."""
        assert set(self.statuses) == {OK}, f"calls failed: {self.statuses}"
