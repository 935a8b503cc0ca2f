"""How a command fails: one line on standard error and an exit code."""

from typing import Any

import typer
from typer.core import TyperGroup

from hushpost_client import HushpostError

__all__ = ["FailureGroup", "fail"]


def fail(message: str, code: int = 1) -> typer.Exit:
    """Say what is wrong, on one line, and answer what to raise."""
    typer.echo(f"hushpost: {' '.join(message.split())}", err=True)
    return typer.Exit(code)


class FailureGroup(TyperGroup):
    """A group of commands none of which shows a traceback for an answer of the service."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; an error of the service ends it with exit code 1."""
        try:
            return super().invoke(ctx)
        except HushpostError as error:
            raise fail(str(error)) from error
