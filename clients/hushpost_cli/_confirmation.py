"""Asks before a change that cannot be undone."""

import typer

from hushpost_cli._exit import USAGE, fail

__all__ = ["confirm"]


def confirm(question: str, nothing_done: str) -> None:
    """Ask on the terminal. Raises typer.Exit if the answer is no, or if there is none.

    Args:
        question: The question.
        nothing_done: For the message, such as "nothing was changed".
    """
    try:
        is_confirmed = typer.confirm(question, err=True)
    except typer.Abort:
        typer.echo(err=True)
        message = f"no answer, {nothing_done}; use --yes to skip the question"
        raise fail(message, USAGE) from None
    if not is_confirmed:
        raise fail(nothing_done, USAGE)
