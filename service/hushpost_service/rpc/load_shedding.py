"""Concurrency limits; excess calls are rejected before any work is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from prometheus_client import Gauge

from hushpost_runtime.load_steps import rounded_load
from hushpost_service.domain.errors import HushpostError, Reason

__all__ = ["RECORDING", "ConcurrencyLimit", "ConcurrencyLimits"]

RECORDING = frozenset({"RecordOpen", "RecordClick", "RecordEvents"})
"""The RPCs that record events: the most frequent ones."""

_STREAMS = frozenset({"WatchLinks", "WatchCampaignStats"})

_IN_PROGRESS = Gauge(
    "hushpost_under_way",
    "Calls of each kind, and events of batches, in progress, rounded down to tenths of the limit.",
    ["name"],
)


class ConcurrencyLimit:
    """Limits how many calls (or events of batches) run at once.

    A call of any size is admitted while the limit is not yet reached; otherwise
    small batches could starve a large one. The limit can therefore be
    exceeded by one batch.
    """

    def __init__(self, limit: int, unit: str) -> None:
        """Set the limit; `unit` names what is counted, in the plural."""
        self._limit = limit
        self._message = f"too many {unit} are in progress; retry later"
        self.in_progress = 0

    @property
    def rounded(self) -> int:
        """What is in progress, rounded down to a tenth of the limit.

        It is 0 unless the load is high, so that no single event can be seen in it.
        """
        return rounded_load(self.in_progress, self._limit)

    @property
    def is_reached(self) -> bool:
        """Whether new calls are rejected."""
        return self.in_progress >= self._limit

    def error(self) -> HushpostError:
        """Return the OVERLOADED error of a rejected call."""
        return HushpostError(Reason.OVERLOADED, self._message)

    @contextmanager
    def holding(self, count: int) -> Iterator[None]:
        """Count `count` units until the block ends. Raises OVERLOADED."""
        if self.is_reached:
            raise self.error()
        self.in_progress += count
        try:
            yield
        finally:
            self.in_progress -= count

    # On every call's path; `@contextmanager` would add 1 µs.
    def __enter__(self) -> None:
        if self.in_progress >= self._limit:
            raise self.error()
        self.in_progress += 1

    def __exit__(self, *_: object) -> None:
        self.in_progress -= 1


class ConcurrencyLimits:
    """A separate limit for each kind of call, so that none can crowd out another.

    Statistics, opt-outs and link synchronisation keep working under a flood of events.
    """

    def __init__(self, *, calls: int, events: int) -> None:
        """Allow `calls` concurrent calls of each kind, and `events` events in batches."""
        self.recording = ConcurrencyLimit(calls, "recording calls")
        self.streams = ConcurrencyLimit(calls, "streams")
        self.others = ConcurrencyLimit(calls, "calls")
        self.events = ConcurrencyLimit(events, "events")
        for name, limit in vars(self).items():
            _IN_PROGRESS.labels(name).set_function(partial(getattr, limit, "rounded"))

    def of_rpc(self, name: str) -> ConcurrencyLimit:
        """Return the limit for calls of an RPC."""
        if name in _STREAMS:
            return self.streams
        return self.recording if name in RECORDING else self.others
