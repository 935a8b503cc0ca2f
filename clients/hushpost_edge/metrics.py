"""The edge's Prometheus metrics. No label names a contact, a tenant, a campaign or a link.

The processes share their metrics through files (see `__main__.py`), so that any worker
can serve the metrics of all.
"""

from collections.abc import Mapping, Sequence

from prometheus_client import Counter, Gauge, Histogram

from hushpost_client import Verdict

__all__ = [
    "COMMIT_EVENTS",
    "EVENTS",
    "LINKS",
    "OLDEST_SECONDS",
    "QUARANTINE_DROPPED_EVENTS",
    "REFUSED_EVENTS",
    "REJECTED_EVENTS",
    "REQUESTS_WITHOUT_EVENT",
    "SHIPPED_EVENTS",
    "SHIP_FAILURES",
    "SPOOL_BYTES",
    "count_commit",
    "set_quarantine",
]

REQUESTS_WITHOUT_EVENT = Counter(
    "hushpost_edge_answers_total",
    "Requests that are not recorded: unknown links, links that could not be resolved, HEAD.",
    ["what"],
)
EVENTS = Counter("hushpost_edge_events_total", "Events written to the spool.", ["verdict"])
_EVENTS_BY_VERDICT = {verdict: EVENTS.labels(verdict) for verdict in Verdict}
REFUSED_EVENTS = Counter(
    "hushpost_edge_refused_events_total",
    "Events that were dropped because the spool was full, the disk failed, or the key was lost.",
    ["cause"],
)
COMMIT_EVENTS = Histogram(
    "hushpost_edge_commit_events",
    "Events per commit to a spool file.",
    buckets=(1, 4, 16, 64, 256, 1024),
)
SHIPPED_EVENTS = Counter(
    "hushpost_edge_shipped_events_total", "Events that the authority accepted."
)
REJECTED_EVENTS = Counter(
    "hushpost_edge_rejected_events_total",
    "Events that the authority rejected for good, and that were deleted.",
    ["reason"],
)
_QUARANTINE_EVENTS = Gauge(
    "hushpost_edge_quarantine_events",
    "Events that the authority rejected for a reason that may pass, and that are sent again.",
    ["reason"],
    multiprocess_mode="mostrecent",
)
_QUARANTINE_OLDEST_SECONDS = Gauge(
    "hushpost_edge_quarantine_oldest_seconds",
    "How long the oldest event has been in quarantine while the edge was running.",
    multiprocess_mode="mostrecent",
)
QUARANTINE_DROPPED_EVENTS = Counter(
    "hushpost_edge_quarantine_dropped_events_total",
    "Events that were deleted because the quarantine was full, or after seven days in it.",
    ["cause"],
)
SHIP_FAILURES = Counter(
    "hushpost_edge_ship_failures_total", "Failed attempts to ship a batch.", ["reason"]
)
SPOOL_BYTES = Gauge(
    "hushpost_edge_spool_bytes", "Size of all spool files.", multiprocess_mode="mostrecent"
)
OLDEST_SECONDS = Gauge(
    "hushpost_edge_spool_oldest_seconds",
    "Age of the oldest event that has not been shipped.",
    multiprocess_mode="mostrecent",
)
LINKS = Counter("hushpost_edge_links_total", "Links received from the authority.")


def count_commit(verdicts: Sequence[Verdict]) -> None:
    """Count the events of a commit."""
    COMMIT_EVENTS.observe(len(verdicts))
    for verdict in set(verdicts):
        _EVENTS_BY_VERDICT[verdict].inc(verdicts.count(verdict))


_quarantine_reasons: set[str] = set()


def set_quarantine(events: Mapping[str, int], oldest_seconds: int) -> None:
    """Set the number of events in quarantine by reason; reasons that are gone become 0."""
    _quarantine_reasons.update(events)
    for reason in _quarantine_reasons:
        _QUARANTINE_EVENTS.labels(reason).set(events.get(reason, 0))
    _QUARANTINE_OLDEST_SECONDS.set(oldest_seconds)
