"""The edge's Prometheus metrics. No label names a contact, a tenant, a campaign or a link.

Metrics that count events are sampled or rounded, so that no single event can be read from it
(see `hushpost_runtime/event_sampling.py`).

The processes share their metrics through files (see `shared_metrics.py`), so that any worker
can serve the metrics of all.
"""

import collections
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from prometheus_client import Counter, Gauge, Histogram

from hushpost_client import Verdict
from hushpost_edge.event_reasons import Reason
from hushpost_runtime.event_sampling import is_sampled, sampled

__all__ = [
    "ASKED_DOMAINS",
    "LINKS",
    "QUARANTINE_DROPPED_EVENTS",
    "REJECTED_EVENTS",
    "REQUESTS_WITHOUT_EVENT",
    "SHIP_FAILURES",
    "SPOOL_AVAILABLE",
    "count_commit",
    "count_refused",
    "count_shipped",
    "count_trial",
    "describe_edge",
    "set_backlog",
    "set_quarantine",
]

_MIB = 1 << 20

REQUESTS_WITHOUT_EVENT = Counter(
    "hushpost_edge_answers_total",
    "Requests that are not recorded: unknown links, links that could not be resolved, HEAD; "
    "and preference pages that could not be shown.",
    ["what"],
)
_EVENTS = Counter(
    "hushpost_edge_events_total",
    "Events written to the spool, by their first verdict and the rule that decided it; sampled.",
    ["verdict", "reason"],
)
_CORRECTED_EVENTS = Counter(
    "hushpost_edge_corrected_events_total",
    "Events whose verdict became SCANNER when they were in the spool; sampled.",
)
_TRIAL_EVENTS = Counter(
    "hushpost_edge_trial_events_total",
    "Events whose verdict rules on trial would have changed, with --verdicts shadow; sampled.",
    ["verdict", "reason"],
)
_REFUSED_EVENTS = Counter(
    "hushpost_edge_refused_events_total",
    "Events that were dropped because the spool was full, the disk was full or failed, or the key "
    "was lost; "
    "sampled.",
    ["cause"],
)
_COMMIT_EVENTS = Histogram(
    "hushpost_edge_commit_events",
    "Events per commit to a spool file; sampled.",
    buckets=(1, 4, 16, 64, 256, 1024),
)
_SHIPPED_EVENTS = Counter(
    "hushpost_edge_shipped_events_total", "Events that the authority accepted; sampled."
)
REJECTED_EVENTS = Counter(
    "hushpost_edge_rejected_events_total",
    "Events that the authority rejected for good, and that were deleted.",
    ["reason"],
)
_QUARANTINE_EVENTS = Gauge(
    "hushpost_edge_quarantine_events",
    "Events that the authority rejected for a reason that may pass, and that are sent again; "
    "rounded up to a power of ten.",
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
for _cause in ("full", "expired"):
    # Prometheus sees no increase in a series that begins with the first drop.
    QUARANTINE_DROPPED_EVENTS.labels(_cause)
SHIP_FAILURES = Counter(
    "hushpost_edge_ship_failures_total", "Failed attempts to ship a batch.", ["reason"]
)
ASKED_DOMAINS = Counter(
    "hushpost_edge_asked_domains_total",
    "Domains that a reverse proxy asked about: verified, unknown or malformed.",
    ["what"],
)
_SPOOL_BYTES = Gauge(
    "hushpost_edge_spool_bytes",
    "Size of all spool files, in whole MiB.",
    multiprocess_mode="mostrecent",
)
_SPOOL_LIMIT = Gauge(
    "hushpost_edge_spool_bytes_max",
    "Greatest size of all spool files.",
    multiprocess_mode="mostrecent",
)
_OLDEST_SECONDS = Gauge(
    "hushpost_edge_spool_oldest_seconds",
    "Age of the oldest event that has not been shipped, in whole minutes.",
    multiprocess_mode="mostrecent",
)
SPOOL_AVAILABLE = Gauge(
    "hushpost_edge_spool_available",
    "1 if events are recorded, 0 if they are dropped, because the spool or the disk is full, or "
    "the disk fails.",
    multiprocess_mode="mostrecent",
)
_BUILD = Gauge(
    "hushpost_edge_build_info",
    "Versions of Hushpost and Python; always 1.",
    ["version", "python"],
    multiprocess_mode="mostrecent",
)
LINKS = Counter("hushpost_edge_links_total", "Links received from the authority.")


def describe_edge(spool_bytes: int) -> None:
    """Say which versions run, and how large all spool files together may become.

    Each worker calls it, because any may serve the metrics.
    """
    _BUILD.labels(version("hushpost"), platform.python_version()).set(1)
    _SPOOL_LIMIT.set(spool_bytes)


def count_commit(causes: Sequence[tuple[Verdict, Reason]], corrections: int) -> None:
    """Count the events of a commit, by verdict and reason, and the corrections."""
    if is_sampled():
        _COMMIT_EVENTS.observe(len(causes))
    for cause, events in collections.Counter(causes).items():
        # A series appears with its first sample, so that its name reveals no event either.
        if added := sampled(events):
            _EVENTS.labels(*cause).inc(added)
    if corrections:
        _CORRECTED_EVENTS.inc(sampled(corrections))


def count_trial(verdict: Verdict, reason: Reason) -> None:
    """Count an event whose verdict a rule on trial would have changed."""
    if added := sampled(1):
        _TRIAL_EVENTS.labels(verdict, reason).inc(added)


def count_shipped(events: int) -> None:
    """Count events that the authority has accepted."""
    _SHIPPED_EVENTS.inc(sampled(events))


def count_refused(cause: str, events: int) -> None:
    """Count events that were dropped."""
    _REFUSED_EVENTS.labels(cause).inc(sampled(events))


def set_backlog(size: int, oldest_seconds: float) -> None:
    """Set the size of all spool files in bytes, and the age of the oldest event in them."""
    _SPOOL_BYTES.set(size // _MIB * _MIB)
    # Events are shipped after three seconds, so this is 0 unless they cannot be.
    _OLDEST_SECONDS.set(oldest_seconds // 60 * 60)


_quarantine_reasons: set[str] = set()


def set_quarantine(events: Mapping[str, int], oldest_seconds: int) -> None:
    """Set the number of events in quarantine by reason; reasons that are gone become 0."""
    _quarantine_reasons.update(events)
    for reason in _quarantine_reasons:
        _QUARANTINE_EVENTS.labels(reason).set(_power_of_ten(events.get(reason, 0)))
    _QUARANTINE_OLDEST_SECONDS.set(oldest_seconds)


def _power_of_ten(number: int) -> int:
    """Round up to 0, 1, 10, 100 and so on."""
    return 10 ** len(str(number - 1)) if number > 1 else number
