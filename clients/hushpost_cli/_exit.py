"""Error messages and exit codes of the commands."""

from collections.abc import Iterable

import typer

from hushpost_client import (
    CallCancelledError,
    DeadlineExceededError,
    InternalError,
    UnavailableError,
    UnknownError,
)

__all__ = ["BAD_ROWS", "INTERRUPTED", "IN_DOUBT", "USAGE", "fail", "print_lines"]

USAGE = 2
BAD_ROWS = 3
INTERRUPTED = 130  # 128 + SIGINT, as in shells

IN_DOUBT = (
    CallCancelledError,
    DeadlineExceededError,
    InternalError,
    UnavailableError,
    UnknownError,
)
"""After these errors, a call may or may not have been committed. Others reject the call."""


def fail(message: str, code: int = 1) -> typer.Exit:
    """Print an error message on one line; return the exception to raise."""
    typer.echo(f"hushpost: {' '.join(message.split())}", err=True)
    return typer.Exit(code)


def print_lines(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines to standard output, or to standard error."""
    for line in lines:
        typer.echo(line, err=err)
