"""The command `hushpost erase`."""

from typing import Annotated, Literal

import typer

from hushpost_cli._confirmation import confirm
from hushpost_cli._connected import connected
from hushpost_cli._connection import ConnectionOptions
from hushpost_cli._options import (
    ContactColumn,
    Delimiter,
    DryRun,
    Encoding,
    File,
    Rejected,
    Tenant,
    Yes,
)
from hushpost_cli.contacts_file.csv_file import ContactsFile
from hushpost_cli.contacts_file.header import CONTACT_ID_ONLY
from hushpost_cli.contacts_file.rejected_rows import RejectedRows
from hushpost_cli.contacts_file.runner import Progress, RunOptions, run
from hushpost_cli.erasing import messages
from hushpost_cli.erasing.calls import (
    CONCURRENT_CALLS,
    EraseCalls,
    EraseProgress,
    EraseSummary,
    check_rows,
)
from hushpost_client import Preferences, Proof

__all__ = ["erase_contacts"]


@connected
def erase_contacts(
    file: File,
    *,
    tenant: Tenant,
    connection: ConnectionOptions,
    proof: Annotated[
        Literal["delete", "pseudonymize"],
        typer.Option(help="What to do with the log of a contact's preferences."),
    ] = "delete",
    delimiter: Delimiter = "auto",
    encoding: Encoding = "utf-8",
    contact_column: ContactColumn = None,
    rejected: Rejected = None,
    at_once: Annotated[
        int, typer.Option(min=1, max=256, help="Concurrent calls.")
    ] = CONCURRENT_CALLS,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Erase the contacts of a CSV file permanently.

    Column: contact_id; others are ignored. Anonymizes what the contacts did,
    and deletes the contacts and their preferences. Unknown contacts are
    skipped. Erasing the same file again within a week does not erase contacts
    that signed up again since.

    Needs a key of role SENDER. Exits with 3 if some rows are bad.

    Example: hushpost erase leavers.csv --tenant acme --dry-run
    """
    options = RunOptions(
        file=file,
        tenant=tenant,
        connection=connection,
        delimiter=delimiter,
        encoding=encoding,
        contact_column=contact_column,
        rejected=rejected,
        dry_run=dry_run,
    )
    run(_EraseTask(Proof[proof.upper()], at_once, ask=not yes), options)


class _EraseTask:
    layout = CONTACT_ID_ONLY
    verb = "erasing"
    nothing_done = "no contact was erased"
    progress_rows = 100
    preview = None

    def __init__(self, proof: Proof, concurrent_calls: int, *, ask: bool) -> None:
        self._proof = proof
        self._concurrent_calls = concurrent_calls
        self._ask = ask
        self._summary = EraseSummary()
        self._progress = EraseProgress()

    def header_notes(self, file: ContactsFile) -> list[str]:
        return messages.header_notes(file.name, file.header)

    def check(self, file: ContactsFile, progress: Progress) -> EraseSummary:
        self._summary = check_rows(file, progress)
        return self._summary

    def content(self, file: ContactsFile) -> list[str]:
        return messages.content(file.name, self._summary)

    def confirm(self, file: ContactsFile, tenant_id: str) -> None:
        if not self._ask:
            return
        confirm(messages.question(file.name, self._summary, tenant_id), self.nothing_done)

    async def process(
        self,
        file: ContactsFile,
        rejected: RejectedRows,
        preferences: Preferences,
        tenant_id: str,
        progress: Progress,
    ) -> list[str]:
        calls = EraseCalls(
            file, self._summary, rejected, self._proof, self._concurrent_calls, self._progress
        )
        await calls.send(preferences, tenant_id, progress)
        return messages.report(file.name, self._summary, self._progress, rejected)

    def failure(self, file: ContactsFile, reason: str) -> str:
        return messages.failure(file.name, reason, self._progress)
