"""The command `hushpost import`."""

from typing import Annotated, Literal

import typer

from hushpost_cli._options import (
    DEFAULT_AUTHORITY,
    ApiKeyFile,
    Authority,
    CaFile,
    ClientCertificate,
    ClientKey,
    Delimiter,
    DryRun,
    File,
    Rejected,
    Tenant,
    Tls,
)
from hushpost_cli.contacts_file.csv_file import ContactsFile
from hushpost_cli.contacts_file.rejected_rows import RejectedRows
from hushpost_cli.contacts_file.runner import Progress, RunOptions, run
from hushpost_cli.importing import messages
from hushpost_cli.importing.batches import MAX_BATCH, BatchImport, ImportProgress
from hushpost_cli.importing.cells import EmptyAs
from hushpost_cli.importing.preflight import ImportSummary, check_rows
from hushpost_client import Preferences

__all__ = ["import_contacts"]


def import_contacts(
    file: File,
    *,
    tenant: Tenant,
    authority: Authority = DEFAULT_AUTHORITY,
    api_key_file: ApiKeyFile = None,
    tls: Tls = None,
    ca_file: CaFile = None,
    client_certificate: ClientCertificate = None,
    client_key: ClientKey = None,
    empty_as: Annotated[
        Literal["false", "unset"],
        typer.Option(help="The meaning of an empty doNotTrack cell."),
    ] = "false",
    delimiter: Delimiter = "auto",
    rejected: Rejected = None,
    batch_size: Annotated[
        int, typer.Option(min=1, max=MAX_BATCH, help="Contacts per call.")
    ] = MAX_BATCH,
    dry_run: DryRun = False,
) -> None:
    """Import contacts and their preferences from a CSV file.

    Columns: contact_id and, optionally, doNotTrack with true, false, 1, 0,
    yes or no. An empty cell means false unless --empty-as is given. A row
    that ends before the column, or a file without it, leaves preferences
    unchanged. Importing a file again changes nothing.

    Exit codes: 0 all rows imported, 1 failed, 2 nothing imported because of
    the command line or the file, 3 imported except for bad rows, 130
    interrupted.
    """
    options = RunOptions(
        file=file,
        tenant=tenant,
        authority=authority,
        api_key_file=api_key_file,
        tls=tls,
        ca_file=ca_file,
        client_certificate=client_certificate,
        client_key=client_key,
        delimiter=delimiter,
        rejected=rejected,
        dry_run=dry_run,
    )
    run(_ImportTask(empty_as, batch_size), options)


class _ImportTask:
    verb = "importing"
    nothing_done = "nothing was imported"
    progress_rows = 5_000

    def __init__(self, empty_as: EmptyAs, batch_size: int) -> None:
        self._empty_as = empty_as
        self._batch_size = batch_size
        self._summary = ImportSummary()
        self._progress = ImportProgress()

    def header_notes(self, file: ContactsFile) -> list[str]:
        return messages.header_notes(file.path.name, file.header)

    def check(self, file: ContactsFile, progress: Progress) -> ImportSummary:
        self._summary = check_rows(file, self._empty_as, progress)
        return self._summary

    def dry_run_report(self, file: ContactsFile) -> list[str]:
        return messages.dry_run_report(file.path.name, self._summary)

    def confirm(self, file: ContactsFile, tenant_id: str) -> None:
        """Ask nothing: an import can be repeated and corrected."""

    async def process(
        self,
        file: ContactsFile,
        rejected: RejectedRows,
        preferences: Preferences,
        tenant_id: str,
        progress: Progress,
    ) -> None:
        batches = BatchImport(
            file, self._summary, rejected, self._empty_as, self._batch_size, self._progress
        )
        await batches.send(preferences, tenant_id, progress)

    def report(self, file: ContactsFile, rejected: RejectedRows) -> list[str]:
        return messages.report(file.path.name, self._summary, self._progress, rejected)

    def failure(self, file: ContactsFile, reason: str) -> str:
        return messages.failure(file.path.name, reason, self._progress)
