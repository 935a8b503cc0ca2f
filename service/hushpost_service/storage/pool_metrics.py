"""Metrics of the connection pools, read when the metrics are collected."""

from collections.abc import Callable

from prometheus_client import Gauge

from hushpost_runtime.load_steps import rounded_load
from hushpost_service.storage.database import Database

__all__ = ["watch_pool"]

_STEPS = 2
"""A pool is small: tenths of it would show that a single event is being recorded."""

_CONNECTIONS = Gauge(
    "hushpost_database_connections",
    "Connections of a pool in use and idle, and callers that wait for one; rounded down to halves "
    "of the greatest number of connections.",
    ["name", "state"],
)
_LIMIT = Gauge(
    "hushpost_database_connections_max", "Greatest number of connections of a pool.", ["name"]
)


def watch_pool(name: str, database: Database) -> None:
    """Read the use of a pool whenever the metrics are collected."""

    def state(field: str) -> Callable[[], int]:
        def read() -> int:
            use = database.use()
            return rounded_load(getattr(use, field), use.limit, _STEPS)

        return read

    for field in ("used", "idle", "waiting"):
        _CONNECTIONS.labels(name, field).set_function(state(field))
    _LIMIT.labels(name).set(database.use().limit)
