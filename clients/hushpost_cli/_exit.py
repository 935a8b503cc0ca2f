"""Error messages and exit codes of the commands."""

from collections.abc import Iterable

import typer

from hushpost_client import (
    CallCancelledError,
    DeadlineExceededError,
    HushpostError,
    InternalError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnauthenticatedError,
    UnavailableError,
    UnknownError,
)

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "IN_DOUBT",
    "NOT_FOUND",
    "PARTLY",
    "REFUSED",
    "UNREACHABLE",
    "USAGE",
    "error_code",
    "error_text",
    "fail",
    "print_lines",
]

FAILED = 1
"""It failed for a reason that has no code here, or a check found a problem."""
USAGE = 2
"""The command line or an input file is wrong, or the user declined. Nothing was changed."""
PARTLY = 3
"""It is done except for some rows or entries, which the output names."""
UNREACHABLE = 4
"""The authority can't be reached, or is overloaded. Trying again later can help."""
REFUSED = 5
"""The API key is not valid, or its role or tenant does not permit the call."""
NOT_FOUND = 6
"""The tenant, campaign or API key does not exist."""
INTERRUPTED = 130
"""Interrupted by Ctrl-C: 128 + SIGINT, as in shells."""

IN_DOUBT = (
    CallCancelledError,
    DeadlineExceededError,
    InternalError,
    UnavailableError,
    UnknownError,
)
"""After these errors, a call may or may not have been committed. Others reject the call."""

_CODES: tuple[tuple[tuple[type[HushpostError], ...], int], ...] = (
    ((UnavailableError, DeadlineExceededError, ResourceExhaustedError), UNREACHABLE),
    ((UnauthenticatedError, PermissionDeniedError), REFUSED),
    ((NotFoundError,), NOT_FOUND),
)


def error_code(error: HushpostError) -> int:
    """Return the exit code for an error of the authority, or of the way to it."""
    return next((code for kinds, code in _CODES if isinstance(error, kinds)), FAILED)


def error_text(error: HushpostError) -> str:
    """Return the message of an error, with the id of the call for the operator."""
    return str(error) if error.call_id is None else f"{error} (call {error.call_id})"


def fail(message: str, code: int = FAILED) -> typer.Exit:
    """Print an error message on one line; return the exception to raise."""
    typer.echo(f"hushpost: {' '.join(message.split())}", err=True)
    return typer.Exit(code)


def print_lines(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines to standard output, or to standard error."""
    for line in lines:
        typer.echo(line, err=err)
