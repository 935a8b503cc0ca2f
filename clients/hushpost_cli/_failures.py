"""How a command ends: what it says, and its exit code."""

import typer

from hushpost_client import (
    CallCancelledError,
    DeadlineExceededError,
    InternalError,
    UnavailableError,
    UnknownError,
)

__all__ = ["BAD_ROWS", "INTERRUPTED", "IN_DOUBT", "fail", "say"]

BAD_ROWS = 3
INTERRUPTED = 130  # 128 + SIGINT, as shells have it

IN_DOUBT = (
    CallCancelledError,
    DeadlineExceededError,
    InternalError,
    UnavailableError,
    UnknownError,
)
"""After these a call may be committed or not; any other error is a refusal."""


def fail(message: str, code: int = 1) -> typer.Exit:
    """Say what is wrong, on one line, and answer what to raise."""
    typer.echo(f"hushpost: {' '.join(message.split())}", err=True)
    return typer.Exit(code)


def say(lines: list[str], *, err: bool = False) -> None:
    """Say lines."""
    for line in lines:
        typer.echo(line, err=err)
