"""How a command ends: what it says, and its exit code."""

import typer

__all__ = ["BAD_ROWS", "INTERRUPTED", "fail", "say"]

BAD_ROWS = 3
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def fail(message: str, code: int = 1) -> typer.Exit:
    """Say what is wrong, on one line, and answer what to raise."""
    typer.echo(f"hushpost: {' '.join(message.split())}", err=True)
    return typer.Exit(code)


def say(lines: list[str], *, err: bool = False) -> None:
    """Say lines."""
    for line in lines:
        typer.echo(line, err=err)
