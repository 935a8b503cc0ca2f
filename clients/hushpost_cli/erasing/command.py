"""The options of `hushpost erase`, and its course."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

from hushpost_cli._connection import Access, ApiKeyFile, Authority, CaFile, Tenant, Tls
from hushpost_cli._failures import BAD_ROWS, INTERRUPTED, fail, say
from hushpost_cli.contacts_file.layout import FileProblemError
from hushpost_cli.contacts_file.options import Delimiter, DryRun, Rejected
from hushpost_cli.contacts_file.progress import track
from hushpost_cli.contacts_file.reading import ContactsFile
from hushpost_cli.contacts_file.rejected import RejectedFile, check_target, default_path
from hushpost_cli.erasing import report
from hushpost_cli.erasing.sending import AT_ONCE, Erasure, Survey, survey
from hushpost_client import HushpostError, Proof

__all__ = ["erase_contacts"]

_EVERY_ROWS = 100

Contacts = Annotated[Path, typer.Option(help="CSV file, UTF-8.", exists=True, dir_okay=False)]


def erase_contacts(
    *,
    contacts: Contacts,
    tenant: Tenant,
    authority: Authority = "localhost:50051",
    api_key_file: ApiKeyFile = None,
    tls: Tls = None,
    ca_file: CaFile = None,
    proof: Annotated[
        Literal["delete", "pseudonymize"],
        typer.Option(help="What becomes of the log of a contact's choices."),
    ] = "delete",
    delimiter: Delimiter = "auto",
    rejected: Rejected = None,
    at_once: Annotated[int, typer.Option(min=1, max=256, help="Calls under way.")] = AT_ONCE,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Erase the contacts of a CSV file, for good.

    Column: contact_id; others are ignored. What a contact did becomes part
    of its groups' anonymous numbers, the contact and its preference are
    deleted. Contacts that do not exist are fine. Erasing the same file
    again within a week erases nobody who signed up again since.

    Exit codes: 0 all rows erased, 1 failed, 2 nobody erased because of the
    command line, the file or the answer, 3 erased except for bad rows, 130
    interrupted.
    """
    target = rejected or default_path(contacts)
    try:
        file = ContactsFile.open(contacts, delimiter)
        say(report.columns(contacts.name, file.layout), err=True)
        access = None
        if not dry_run:
            check_target(target, contacts)
            access = Access.of(tenant, authority, api_key_file, tls, ca_file)
        found = _survey(file)
        if access is None:
            say(report.checked(contacts.name, found))
        else:
            if not yes:
                _ask(report.question(contacts.name, found, tenant))
            with RejectedFile(target, file.layout) as bad:
                _run(Erasure(file, found, bad, Proof[proof.upper()], at_once), access)
    except FileProblemError as problem:
        raise fail(f"{contacts.name} {problem}", 2) from problem
    if found.bad:
        raise typer.Exit(BAD_ROWS)


def _survey(file: ContactsFile) -> Survey:
    try:
        with track(file, "checking") as progress:
            return survey(file, progress)
    except KeyboardInterrupt:
        raise fail("interrupted; nobody was erased", INTERRUPTED) from None


def _ask(question: str) -> None:
    try:
        is_meant = typer.confirm(question, err=True)
    except typer.Abort:
        typer.echo(err=True)
        raise fail("no answer, nobody was erased; --yes does not ask", 2) from None
    if not is_meant:
        raise fail("nobody was erased", 2)


def _run(task: Erasure, access: Access) -> None:
    name = task.file.path.name
    try:
        asyncio.run(_send(task, access))
    except HushpostError as error:
        raise fail(report.stopped(name, str(error), task.tally)) from error
    except (OSError, FileProblemError) as error:
        raise fail(report.stopped(name, f"broke off: {error}", task.tally)) from error
    except KeyboardInterrupt:
        said = report.stopped(name, "interrupted", task.tally)
        raise fail(said, INTERRUPTED) from None
    say(report.finished(name, task.survey, task.tally, task.rejected))


async def _send(task: Erasure, access: Access) -> None:
    async with access.connect() as hushpost:
        with track(task.file, "erasing", _EVERY_ROWS) as progress:
            await task.send(hushpost.preferences, access.tenant_id, progress)
