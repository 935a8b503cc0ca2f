"""The command `hushpost import`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from hushpost_cli._connected import connected
from hushpost_cli._connection import ConnectionOptions
from hushpost_cli._options import (
    ContactColumn,
    Delimiter,
    Encoding,
    File,
    Rejected,
    Tenant,
)
from hushpost_cli.contacts_file.csv_file import ContactsFile, Row
from hushpost_cli.contacts_file.rejected_rows import RejectedRows, check_target, default_path
from hushpost_cli.contacts_file.runner import Progress, RunOptions, run
from hushpost_cli.importing import messages
from hushpost_cli.importing.batches import (
    MAX_BATCH,
    BatchImport,
    ImportOptions,
    ImportProgress,
)
from hushpost_cli.importing.columns import IMPORT_LAYOUT
from hushpost_cli.importing.preflight import ImportSummary, check_rows
from hushpost_client import Preferences

__all__ = ["import_contacts"]

_Add: TypeAlias = Callable[[Row, str], None]


@connected
def import_contacts(
    file: File,
    *,
    tenant: Tenant,
    connection: ConnectionOptions,
    empty_as: Annotated[
        Literal["false", "unset"],
        typer.Option(help="The meaning of an empty doNotTrack cell."),
    ] = "false",
    delimiter: Delimiter = "auto",
    encoding: Encoding = "utf-8",
    contact_column: ContactColumn = None,
    rejected: Rejected = None,
    batch_size: Annotated[
        int, typer.Option(min=1, max=MAX_BATCH, help="Contacts per call.")
    ] = MAX_BATCH,
    protected: Annotated[
        Path | None,
        typer.Option(
            help="File for rows that would loosen recipients' decisions. "
            "Default: NAME.protected.csv next to FILE.",
            rich_help_panel="Contacts file",
        ),
    ] = None,
    overrule_recipients: Annotated[
        bool,
        typer.Option(
            "--overrule-recipients",
            help="Loosen preferences that recipients set in person, too.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Report what an import would do; change and write nothing."),
    ] = False,
) -> None:
    """Import contacts and their preferences from a CSV file.

    Columns: contact_id, doNotTrack (true, false, 1, 0, yes or no),
    tracking_consent, tracking_consent_opens and tracking_consent_clicks
    (granted, denied, withdrawn or unknown), tracking_consent_source,
    tracking_consent_source_id and tracking_consent_time. All but the first are
    optional. Exports of Mapp Engage and Brevo are read as they are.

    An empty consent leaves the preference unchanged. An empty doNotTrack cell
    means false unless --empty-as is given or the row has a consent. If a
    contact has several rows, the strictest value counts for each purpose.

    Decisions that recipients made in person are never loosened unless
    --overrule-recipients is given; such rows go to NAME.protected.csv.
    Importing a file again does not undo what changed in between: for at least a
    week it changes nothing, later it can't loosen recipients' decisions.

    Needs a key of role SENDER. Exits with 3 if some rows are bad.

    Example: hushpost import contacts.csv --tenant acme --dry-run
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
    how = ImportOptions(
        empty_as=empty_as,
        batch_size=batch_size,
        overrule_recipients=overrule_recipients,
        dry_run=dry_run,
    )
    run(_ImportTask(how, protected), options)


class _ImportTask:
    layout = IMPORT_LAYOUT
    verb = "importing"
    nothing_done = "nothing was imported"
    progress_rows = 5_000

    def __init__(self, options: ImportOptions, protected: Path | None) -> None:
        self._options = options
        self._protected = protected
        self._summary = ImportSummary()
        self._progress = ImportProgress()

    def header_notes(self, file: ContactsFile) -> list[str]:
        return messages.header_notes(file.name, file.header)

    def check(self, file: ContactsFile, progress: Progress) -> ImportSummary:
        self._summary = check_rows(file, self._options.empty_as, progress)
        return self._summary

    def content(self, file: ContactsFile) -> list[str]:
        return messages.content(file.name, file.header, self._summary)

    async def preview(
        self, file: ContactsFile, preferences: Preferences, tenant_id: str, progress: Progress
    ) -> list[str]:
        await self._batches(file, _ignore, _ignore).send(preferences, tenant_id, progress)
        return messages.effect(self._progress)

    def confirm(self, file: ContactsFile, tenant_id: str) -> None:
        """Ask nothing: an import can be repeated and corrected."""

    async def process(
        self,
        file: ContactsFile,
        rejected: RejectedRows,
        preferences: Preferences,
        tenant_id: str,
        progress: Progress,
    ) -> list[str]:
        target = self._protected or default_path(file.place, "protected")
        check_target(target, file.path, "protected")
        check_target(target, rejected.path, "protected")
        with RejectedRows(target, file.header, "protected") as protected:
            batches = self._batches(file, rejected.add, protected.add)
            await batches.send(preferences, tenant_id, progress)
        return messages.report(file.name, self._summary, self._progress, rejected, protected)

    def failure(self, file: ContactsFile, reason: str) -> str:
        if self._options.dry_run:
            return f"{file.name}: {reason}; nothing was changed"
        return messages.failure(file.name, reason, self._progress)

    def _batches(self, file: ContactsFile, reject: _Add, protect: _Add) -> BatchImport:
        return BatchImport(file, self._summary, self._options, reject, protect, self._progress)


def _ignore(_row: Row, _reason: str) -> None: ...
