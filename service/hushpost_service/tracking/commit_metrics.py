"""Metrics of the recorder: its queue, and the size and time of its commits.

An idle authority commits each event by itself, so that the number of commits would be that of
the events. One commit of 256 is observed (see `hushpost_runtime/event_sampling.py`). Slow
commits are all counted, because there are none in normal operation.
"""

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

from hushpost_runtime.event_sampling import is_sampled

__all__ = ["observe_commit", "watch_queue"]

_SLOW_SECONDS = 1.0

_QUEUED_EVENTS = Gauge(
    "hushpost_queued_events",
    "Events that the recorder has not committed yet, rounded down to tenths of the limit.",
)
_COMMIT_EVENTS = Histogram(
    "hushpost_commit_events",
    "Events per commit of the recorder; sampled.",
    buckets=(1, 4, 16, 64, 256, 1024, 4096, 16384),
)
_COMMIT_SECONDS = Histogram(
    "hushpost_commit_seconds",
    "Duration of a commit of the recorder, with its statements; sampled.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_SLOW_COMMITS = Counter(
    "hushpost_slow_commits_total", "Commits of the recorder that took longer than a second."
)


def watch_queue(rounded_events: Callable[[], int]) -> None:
    """Read the rounded length of the queue whenever the metrics are collected."""
    _QUEUED_EVENTS.set_function(rounded_events)


def observe_commit(events: int, seconds: float) -> None:
    """Observe a commit."""
    if seconds > _SLOW_SECONDS:
        _SLOW_COMMITS.inc()
    if is_sampled():
        _COMMIT_EVENTS.observe(events)
        _COMMIT_SECONDS.observe(seconds)
