"""The options of `hushpost import`, and its course."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

from hushpost_cli._connection import Access, ApiKeyFile, Authority, CaFile, Tenant, Tls
from hushpost_cli._failures import BAD_ROWS, IN_DOUBT, INTERRUPTED, fail, say
from hushpost_cli.contacts_file.layout import FileProblemError
from hushpost_cli.contacts_file.options import Delimiter, DryRun, Rejected
from hushpost_cli.contacts_file.progress import track
from hushpost_cli.contacts_file.reading import ContactsFile
from hushpost_cli.contacts_file.rejected import RejectedFile, check_target, default_path
from hushpost_cli.importing import report
from hushpost_cli.importing.rows import EmptyAs
from hushpost_cli.importing.sending import MAX_BATCH, Import
from hushpost_cli.importing.survey import Survey, survey
from hushpost_client import HushpostError

__all__ = ["import_contacts"]


def import_contacts(
    file: Annotated[Path, typer.Argument(help="CSV file, UTF-8.", exists=True, dir_okay=False)],
    *,
    tenant: Tenant,
    authority: Authority = "localhost:50051",
    api_key_file: ApiKeyFile = None,
    tls: Tls = None,
    ca_file: CaFile = None,
    empty_as: Annotated[
        Literal["false", "unset"],
        typer.Option(help="What an empty doNotTrack cell means."),
    ] = "false",
    delimiter: Delimiter = "auto",
    rejected: Rejected = None,
    batch_size: Annotated[
        int, typer.Option(min=1, max=MAX_BATCH, help="Contacts per call.")
    ] = MAX_BATCH,
    dry_run: DryRun = False,
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
        say(report.columns(file.name, contacts.layout), err=True)
        access = None
        if not dry_run:
            check_target(target, file)
            access = Access.of(tenant, authority, api_key_file, tls, ca_file)
        found = _survey(contacts, empty_as)
        if access is None:
            say(report.checked(file.name, found))
        else:
            with RejectedFile(target, contacts.layout) as bad:
                _run(Import(contacts, found, bad, empty_as, batch_size), access)
    except FileProblemError as problem:
        raise fail(f"{file.name} {problem}", 2) from problem
    if found.bad:
        raise typer.Exit(BAD_ROWS)


def _survey(contacts: ContactsFile, empty_as: EmptyAs) -> Survey:
    try:
        with track(contacts, "checking") as progress:
            return survey(contacts, empty_as, progress)
    except KeyboardInterrupt:
        raise fail("interrupted; nothing was imported", INTERRUPTED) from None


def _run(task: Import, access: Access) -> None:
    name = task.file.path.name
    try:
        asyncio.run(_send(task, access))
    except HushpostError as error:
        if not isinstance(error, IN_DOUBT):
            task.tally.open_line = 0  # a refused call has written nothing
        raise fail(report.stopped(name, str(error), task.tally)) from error
    except (OSError, FileProblemError) as error:
        raise fail(report.stopped(name, f"broke off: {error}", task.tally)) from error
    except KeyboardInterrupt:
        said = report.stopped(name, "interrupted", task.tally)
        raise fail(said, INTERRUPTED) from None
    say(report.finished(name, task.survey, task.tally, task.rejected))


async def _send(task: Import, access: Access) -> None:
    async with access.connect() as hushpost:
        with track(task.file, "importing") as progress:
            await task.send(hushpost.preferences, access.tenant_id, progress)
