"""Structured logs on standard error, one JSON object a line, without a trace of readers."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

__all__ = ["configure_logs", "drop_evidence"]

_ALLOWED = frozenset(
    (
        "address",
        "cause",
        "event",
        "events",
        "level",
        "links",
        "logger",
        "reason",
        "seconds",
        "timestamp",
        "workers",
    )
)


def drop_evidence(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop every field that is not known to be harmless; tracebacks too, which quote values."""
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
                drop_evidence,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for library in ("asyncio", "grpc"):
        logging.getLogger(library).setLevel(logging.WARNING)
