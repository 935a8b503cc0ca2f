"""What is counted. No label names a contact, a tenant, a campaign or a link.

The processes leave their numbers in a folder (see serve.py), and whichever
worker is asked answers for all of them.
"""

from collections.abc import Sequence

from prometheus_client import Counter, Gauge, Histogram

from hushpost_client import Verdict

__all__ = [
    "ANSWERS",
    "COMMIT_EVENTS",
    "EVENTS",
    "LINKS",
    "OLDEST_SECONDS",
    "REFUSED",
    "REJECTED",
    "SHIPPED",
    "SHIP_FAILURES",
    "SPOOL_BYTES",
    "spooled",
]

ANSWERS = Counter(
    "hushpost_edge_answers_total",
    "Requests that became no event: unknown links, links that could not be looked up, HEAD.",
    ["what"],
)
EVENTS = Counter("hushpost_edge_events_total", "Events spooled.", ["verdict"])
_BY_VERDICT = {verdict: EVENTS.labels(verdict) for verdict in Verdict}
REFUSED = Counter(
    "hushpost_edge_refused_events_total",
    "Events that were not spooled, although their reader was answered: spool full, disk failing.",
    ["cause"],
)
COMMIT_EVENTS = Histogram(
    "hushpost_edge_commit_events",
    "Events per commit of a spool.",
    buckets=(1, 4, 16, 64, 256, 1024),
)
SHIPPED = Counter("hushpost_edge_shipped_events_total", "Events that the authority accepted.")
REJECTED = Counter(
    "hushpost_edge_rejected_events_total", "Events that the authority refused.", ["reason"]
)
SHIP_FAILURES = Counter(
    "hushpost_edge_ship_failures_total", "Batches that were not taken, by reason.", ["reason"]
)
SPOOL_BYTES = Gauge(
    "hushpost_edge_spool_bytes", "Content of all spool files.", multiprocess_mode="mostrecent"
)
OLDEST_SECONDS = Gauge(
    "hushpost_edge_spool_oldest_seconds",
    "Age of the oldest event that is not shipped.",
    multiprocess_mode="mostrecent",
)
LINKS = Counter("hushpost_edge_links_total", "Links received.")


def spooled(verdicts: Sequence[Verdict]) -> None:
    """Count the events of a commit."""
    COMMIT_EVENTS.observe(len(verdicts))
    for verdict in set(verdicts):
        _BY_VERDICT[verdict].inc(verdicts.count(verdict))
