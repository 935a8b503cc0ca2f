"""How a command fails: one line on standard error and an exit code."""

import typer

__all__ = ["fail"]


def fail(message: str, code: int = 1) -> typer.Exit:
    """Say what is wrong, on one line, and answer what to raise."""
    typer.echo(f"hushpost: {' '.join(message.split())}", err=True)
    return typer.Exit(code)
