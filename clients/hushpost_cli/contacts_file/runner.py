"""Runs a command that processes a contacts file: check the file, then process each row."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import typer

from hushpost_cli._connection import BATCH_RETRY, Connection, ConnectionOptions
from hushpost_cli._exit import (
    INTERRUPTED,
    PARTLY,
    USAGE,
    error_code,
    error_text,
    fail,
    print_lines,
)
from hushpost_cli.contacts_file.csv_file import ContactsFile
from hushpost_cli.contacts_file.header import FileError, Layout, named_layout
from hushpost_cli.contacts_file.input_file import InputFile, input_file
from hushpost_cli.contacts_file.progress import progress_bar
from hushpost_cli.contacts_file.rejected_rows import RejectedRows, check_target, default_path
from hushpost_cli.contacts_file.summary import Summary
from hushpost_client import HushpostError, Preferences

__all__ = ["Progress", "RunOptions", "Task", "run"]

Progress = Callable[[int], None]
"""Called with the number of rows read so far."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options that all commands share; see `hushpost_cli._options`."""

    file: Path
    tenant: str
    connection: ConnectionOptions
    delimiter: str
    encoding: str
    contact_column: str | None
    rejected: Path | None
    dry_run: bool


class Task(Protocol):
    """What a command does with a contacts file.

    The methods are called in this order. `check` keeps the summary that reports need.

    Attributes:
        layout: The columns that the command uses.
        verb: For the progress bar, such as "importing".
        nothing_done: For messages, such as "nothing was imported".
        progress_rows: Rows between two updates of the progress bar.
    """

    layout: Layout
    verb: str
    nothing_done: str
    progress_rows: int

    def header_notes(self, file: ContactsFile) -> list[str]:
        """Return notes on the header, for example on ignored columns."""
        ...

    def check(self, file: ContactsFile, progress: Progress) -> Summary:
        """Read the whole file without side effects. Raises FileError."""
        ...

    def content(self, file: ContactsFile) -> list[str]:
        """Return what the file contains, for a dry run."""
        ...

    @property
    def preview(
        self,
    ) -> Callable[[ContactsFile, Preferences, str, Progress], Awaitable[list[str]]] | None:
        """Returns what `process` would do, for a dry run. Raises HushpostError.

        None if a dry run does not ask the authority.
        """
        ...

    def confirm(self, file: ContactsFile, tenant_id: str) -> None:
        """Ask for confirmation, if the command needs it. Raises typer.Exit."""
        ...

    async def process(
        self,
        file: ContactsFile,
        rejected: RejectedRows,
        preferences: Preferences,
        tenant_id: str,
        progress: Progress,
    ) -> list[str]:
        """Process all good rows; return the report. Raises HushpostError, OSError, FileError."""
        ...

    def failure(self, file: ContactsFile, reason: str) -> str:
        """Return the message for a run that stopped early."""
        ...


def run(task: Task, options: RunOptions) -> None:
    """Check the file, then process its rows. Raises typer.Exit if the check found bad rows."""
    name = options.file.name
    try:
        with input_file(options.file) as found:
            name = found.place.name
            summary = _run(task, options, found)
    except FileError as error:
        raise fail(f"{name} {error}", USAGE) from error
    except KeyboardInterrupt:
        raise fail(f"interrupted; {task.nothing_done}", INTERRUPTED) from None
    if summary.bad:
        raise typer.Exit(PARTLY)


def _run(task: Task, options: RunOptions, found: InputFile) -> Summary:
    layout = task.layout
    if options.contact_column is not None:
        layout = named_layout(layout, options.contact_column)
    file = ContactsFile.open(found.path, found.place, options.delimiter, layout, options.encoding)
    print_lines(task.header_notes(file), err=True)
    if options.dry_run:
        summary = _check(task, file)
        print_lines(task.content(file))
        if task.preview:
            _call(
                task,
                file,
                options.connection.read(),
                partial(task.preview, file),
                options.tenant,
                "comparing",
            )
        return summary
    target = options.rejected or default_path(found.place)
    check_target(target, found.path)
    connection = options.connection.read()
    summary = _check(task, file)
    task.confirm(file, options.tenant)
    with RejectedRows(target, file.header) as rejected:
        _call(
            task, file, connection, partial(task.process, file, rejected), options.tenant, task.verb
        )
    return summary


def _check(task: Task, file: ContactsFile) -> Summary:
    with progress_bar(file, "checking", task.progress_rows) as progress:
        return task.check(file, progress)


def _call(
    task: Task,
    file: ContactsFile,
    connection: Connection,
    calls: Callable[[Preferences, str, Progress], Awaitable[list[str]]],
    tenant: str,
    verb: str,
) -> None:
    async def make_calls() -> list[str]:
        async with connection.open(retry=BATCH_RETRY) as hushpost:
            with progress_bar(file, verb, task.progress_rows) as progress:
                return await calls(hushpost.preferences, tenant, progress)

    try:
        report = asyncio.run(make_calls())
    except HushpostError as error:
        raise fail(task.failure(file, error_text(error)), error_code(error)) from error
    except (OSError, FileError) as error:
        raise fail(task.failure(file, f"stopped: {error}")) from error
    except KeyboardInterrupt:
        raise fail(task.failure(file, "interrupted"), INTERRUPTED) from None
    print_lines(report)
