"""The commands `hushpost consent export` and `hushpost consent verify`."""

from pathlib import Path
from typing import Annotated, TextIO

import typer

from hushpost_cli._connection import Connection
from hushpost_cli._exit import USAGE, fail, print_lines
from hushpost_cli._options import (
    DEFAULT_AUTHORITY,
    ApiKeyFile,
    Authority,
    CaFile,
    ClientCertificate,
    ClientKey,
    NewFile,
    Tenant,
    Tls,
)
from hushpost_cli._times import time_option
from hushpost_cli.consent_log.comparison import compare
from hushpost_cli.consent_log.log_file import Format, LogFileError, LogWriter
from hushpost_cli.consent_log.messages import comparison_report, log_report
from hushpost_cli.consent_log.record import record_of
from hushpost_cli.consent_log.verification import LogSummary, checked_log
from hushpost_cli.exporting.runner import PAGE_SIZE, run
from hushpost_client import Hushpost, PreferenceSource

__all__ = ["consent"]

_DAMAGED = 1
_ERASURES = 3

consent = typer.Typer(help="Export the log of preferences as evidence, and verify exports.")


@consent.command("export")
def export_log(
    file: NewFile,
    *,
    tenant: Tenant,
    authority: Authority = DEFAULT_AUTHORITY,
    api_key_file: ApiKeyFile = None,
    tls: Tls = None,
    ca_file: CaFile = None,
    client_certificate: ClientCertificate = None,
    client_key: ClientKey = None,
    file_format: Annotated[
        Format | None,
        typer.Option("--format", help="Default: jsonl if FILE ends with .jsonl, else csv."),
    ] = None,
    contact_id: Annotated[
        str | None, typer.Option(help="Only changes of this contact.", rich_help_panel="Filters")
    ] = None,
    source: Annotated[
        PreferenceSource | None,
        typer.Option(
            case_sensitive=False,
            help="Only changes with this source.",
            rich_help_panel="Filters",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only changes recorded at this time or later.",
            rich_help_panel="Filters",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only changes recorded before this time.",
            rich_help_panel="Filters",
        ),
    ] = None,
) -> None:
    """Write the log of preferences to a file with a chain of digests.

    Each entry has a digest of itself and of all entries before it, so that a
    removed, added or changed entry shows. The last digest is printed: keep it in
    another place, because only a file that is compared with it can't be
    rewritten as a whole.

    The file must not exist yet. Exit codes: 0 written, 1 failed, 2 wrong
    command line, 130 interrupted.
    """
    start_time, end_time = time_option(since), time_option(until)
    connection = Connection.of_options(
        authority, api_key_file, tls, ca_file, client_certificate, client_key
    )

    async def write(text: TextIO, hushpost: Hushpost) -> list[str]:
        log = LogWriter(text, file_format or ("jsonl" if file.suffix == ".jsonl" else "csv"))
        async for change in hushpost.preferences.list_preference_changes(
            contact_id,
            source=source,
            start_time=start_time,
            end_time=end_time,
            page_size=PAGE_SIZE,
            tenant_id=tenant,
        ):
            log.add(record_of(change))
        log.end()
        return [f"{file}: {log.entries:,} changes exported", f"digest: {log.digest}"]

    run(file, connection, write)


@consent.command("verify")
def verify_log(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of `consent export`.")],
    *,
    digest: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="The digest that the export printed."),
    ] = None,
    extends: Annotated[
        Path | None,
        typer.Option(metavar="EARLIER", help="An earlier export with the same filters."),
    ] = None,
) -> None:
    """Verify that an export of the log is complete and unchanged.

    With --extends, also verify that it has all that an earlier export has.
    Entries of contacts that were erased in between are missing, or have a
    pseudonym.

    Exit codes: 0 verified, 1 something was changed, 2 wrong command line or not
    an export, 3 verified except for contacts that were erased since EARLIER.
    """
    _verify(file, digest)
    if extends is None:
        return
    _verify(extends)
    result = compare(extends, file)
    print_lines(comparison_report(extends.name, result))
    if result.problems:
        raise typer.Exit(_DAMAGED)
    if result.erased:
        raise typer.Exit(_ERASURES)


def _verify(file: Path, digest: str | None = None) -> None:
    """Verify one file, and print its report. Raises typer.Exit if it was changed."""
    summary = LogSummary()
    try:
        for _ in checked_log(file, summary):
            pass
    except LogFileError as error:
        raise fail(f"{file.name} {error}", USAGE) from error
    except OSError as error:
        raise fail(f"{file} can't be read: {error.strerror}", USAGE) from error
    if digest is not None and digest.strip().lower() != summary.digest:
        summary.problems.append("its digest is not the one that is given")
    print_lines(log_report(file.name, summary))
    if summary.problems:
        raise typer.Exit(_DAMAGED)
