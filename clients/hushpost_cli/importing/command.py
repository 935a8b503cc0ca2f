"""The options of `hushpost import`, and its course."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from hushpost_cli._connection import API_KEY_VARIABLE, choose_tls, read_api_key
from hushpost_cli._failures import fail
from hushpost_cli.importing import report
from hushpost_cli.importing.layout import FileProblemError
from hushpost_cli.importing.progress import track
from hushpost_cli.importing.reading import ContactsFile
from hushpost_cli.importing.rejected import RejectedFile, default_path
from hushpost_cli.importing.rows import EmptyAs
from hushpost_cli.importing.sending import MAX_BATCH, Import
from hushpost_cli.importing.survey import Survey, survey
from hushpost_client import (
    TLS,
    CancelledError,
    DeadlineExceededError,
    Hushpost,
    HushpostError,
    InternalError,
    RetryPolicy,
    UnavailableError,
    UnknownError,
)

__all__ = ["import_contacts"]

_BAD_ROWS = 3
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it

# After these a batch may be committed or not; any other error is a refusal.
_IN_DOUBT = (
    CancelledError,
    DeadlineExceededError,
    InternalError,
    UnavailableError,
    UnknownError,
)

# Longer than a client's default, because nobody waits for a single answer: an
# authority that restarts is back within this half minute.
_RETRY = RetryPolicy(max_tries=12)


@dataclass(frozen=True, slots=True)
class _Access:
    server: str
    api_key: str
    tls: TLS | bool
    tenant_id: str


def import_contacts(
    file: Annotated[Path, typer.Argument(help="CSV file, UTF-8.", exists=True, dir_okay=False)],
    *,
    tenant: Annotated[str, typer.Option(help="Whose contacts; must be the key's tenant.")],
    server: Annotated[
        str, typer.Option(help="host:port of the authority.", envvar="HUSHPOST_SERVER")
    ] = "localhost:50051",
    api_key_file: Annotated[
        Path | None,
        typer.Option(help=f"File with the API key; without it, {API_KEY_VARIABLE} has the key."),
    ] = None,
    tls: Annotated[
        bool | None,
        typer.Option("--tls/--no-tls", help="Encrypt; by default unless on this machine."),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="PEM file of whom to trust; implies --tls.")
    ] = None,
    empty_as: Annotated[
        Literal["false", "unset"],
        typer.Option(help="What an empty doNotTrack cell means."),
    ] = "false",
    delimiter: Annotated[
        Literal["auto", ",", ";"], typer.Option(help="What separates cells.")
    ] = "auto",
    rejected: Annotated[
        Path | None,
        typer.Option(help="Where bad rows go; by default NAME.rejected.csv beside."),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, max=MAX_BATCH, help="Contacts per call.")
    ] = MAX_BATCH,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check and report; contact nobody, write nothing."),
    ] = False,
) -> None:
    """Import contacts and their preferences from a CSV file.

    Columns: contact_id and, if you like, doNotTrack with true, false,
    1, 0, yes or no. An empty cell means false unless --empty-as says
    otherwise; a row that ends before the column, or a file without it,
    leaves preferences alone. Importing a file again changes nothing.

    Exit codes: 0 all rows imported, 1 failed, 2 nothing imported because
    of the command line or the file, 3 imported except for bad rows, 130
    interrupted.
    """
    target = rejected or default_path(file)
    try:
        contacts = ContactsFile.open(file, delimiter)
        _say(report.columns(file.name, contacts.layout), err=True)
        access = None
        if not dry_run:
            if target.resolve() == file.resolve():
                raise FileProblemError("can't be the file of rejected rows too")
            key = read_api_key(api_key_file)
            access = _Access(server, key, choose_tls(server, tls, ca_file), tenant)
        found = _survey(contacts, empty_as)
        if access is None:
            _say(report.checked(file.name, found))
        else:
            with RejectedFile(target, contacts.layout) as bad:
                _run(Import(contacts, found, bad, empty_as, batch_size), access)
    except FileProblemError as problem:
        raise fail(f"{file.name} {problem}", 2) from problem
    if found.bad:
        raise typer.Exit(_BAD_ROWS)


def _survey(contacts: ContactsFile, empty_as: EmptyAs) -> Survey:
    try:
        with track(contacts, "checking") as progress:
            return survey(contacts, empty_as, progress)
    except KeyboardInterrupt:
        raise fail("interrupted; nothing was imported", _INTERRUPTED) from None


def _run(task: Import, access: _Access) -> None:
    name = task.file.path.name
    try:
        asyncio.run(_send(task, access))
    except HushpostError as error:
        if not isinstance(error, _IN_DOUBT):
            task.tally.open_line = 0  # a refused call has written nothing
        raise fail(report.stopped(name, str(error), task.tally)) from error
    except (OSError, FileProblemError) as error:
        raise fail(report.stopped(name, f"broke off: {error}", task.tally)) from error
    except KeyboardInterrupt:
        said = report.stopped(name, "interrupted", task.tally)
        raise fail(said, _INTERRUPTED) from None
    _say(report.finished(name, task.survey, task.tally, task.rejected))


async def _send(task: Import, access: _Access) -> None:
    connection = Hushpost.connect(
        access.server, api_key=access.api_key, tls=access.tls, retry=_RETRY
    )
    async with connection as hushpost:
        with track(task.file, "importing") as progress:
            await task.send(hushpost.preferences, access.tenant_id, progress)


def _say(lines: list[str], *, err: bool = False) -> None:
    for line in lines:
        typer.echo(line, err=err)
