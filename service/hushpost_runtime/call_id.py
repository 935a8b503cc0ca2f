"""Identifies failed calls, by an id that a user can quote and an operator finds in the log.

The id is created when a log line or an error first needs it, so a call that succeeds costs no
randomness. It is random and not taken from the client: a client could choose the id of another call, or
put a contact in it.

Work that calls share, such as a commit, has an id of its own, which its log lines have and the
errors of all calls that it fails.
"""

import secrets
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

__all__ = ["CALL_ID_LENGTH", "add_call_id", "begin_call", "call_id", "new_call_id"]

_BYTES = 8

CALL_ID_LENGTH = 2 * _BYTES
"""The number of hexadecimal digits of an id."""


class _Call:
    """Holds the id of a call, so that the tasks which the call starts have the same id."""

    __slots__ = ("id",)

    def __init__(self) -> None:
        self.id: str | None = None


_current: ContextVar[_Call | None] = ContextVar("call id", default=None)


def begin_call() -> None:
    """Let this task, and those that it starts from now on, work for a new call."""
    _current.set(_Call())


def call_id() -> str | None:
    """Return the id of the call that this task works for, if it works for one."""
    call = _current.get()
    if call is None:
        return None
    if call.id is None:
        call.id = new_call_id()
    return call.id


def new_call_id() -> str:
    """Return a random id of hexadecimal digits."""
    return secrets.token_hex(_BYTES)


def add_call_id(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add the id of the call to a log line, unless it has one, for example from an error."""
    if (found := event.pop("call_id", None) or call_id()) is not None:
        event["call_id"] = found
    return event
