"""The commands `hushpost consent export` and `hushpost consent verify`."""

from pathlib import Path
from typing import Annotated, TextIO, TypeAlias

import typer

from hushpost_cli._connected import connected
from hushpost_cli._connection import ConnectionOptions
from hushpost_cli._exit import FAILED, PARTLY, USAGE, fail, print_lines
from hushpost_cli._options import (
    NewFile,
    Tenant,
)
from hushpost_cli._times import period
from hushpost_cli.consent_log.comparison import compare
from hushpost_cli.consent_log.log_file import Format, LogFileError, LogWriter
from hushpost_cli.consent_log.messages import comparison_report, log_report
from hushpost_cli.consent_log.record import record_of
from hushpost_cli.consent_log.verification import LogSummary, checked_log
from hushpost_cli.exporting.runner import PAGE_SIZE, run
from hushpost_client import Hushpost, PreferenceSource

__all__ = ["Since", "Source", "Until", "export_log", "verify_log"]

_FILTERS = "Filters"

Source: TypeAlias = Annotated[
    PreferenceSource | None,
    typer.Option(
        case_sensitive=False,
        metavar="SOURCE",
        help="Only changes with this source: recipient, sender, import or import_empty_cell.",
        rich_help_panel=_FILTERS,
    ),
]
Since: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Only changes recorded at this time or later.",
        rich_help_panel=_FILTERS,
    ),
]
Until: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Only changes recorded before this time.",
        rich_help_panel=_FILTERS,
    ),
]


@connected
def export_log(
    file: NewFile,
    *,
    tenant: Tenant,
    connection: ConnectionOptions,
    file_format: Annotated[
        Format | None,
        typer.Option("--format", help="Default: jsonl if FILE ends with .jsonl, else csv."),
    ] = None,
    contact_id: Annotated[
        str | None, typer.Option(help="Only changes of this contact.", rich_help_panel=_FILTERS)
    ] = None,
    source: Source = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write the log of preferences to a file with a chain of digests.

    Each entry has a digest of itself and of all entries before it, so that a
    removed, added or changed entry shows. The last digest is printed: keep it in
    another place, because only a file that is compared with it can't be
    rewritten as a whole.

    The file must not exist yet. Needs a key of role SENDER.

    Example: hushpost consent export log.jsonl --tenant acme
    """
    start_time, end_time = period(since, until)

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

    run(file, connection.read(), write)


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

    Exit codes: 1 if something was changed, 2 if FILE is not an export, 3 if
    it is verified except for contacts that were erased since EARLIER.

    Example: hushpost consent verify log.jsonl --digest 52c9…
    """
    _verify(file, digest)
    if extends is None:
        return
    _verify(extends)
    result = compare(extends, file)
    print_lines(comparison_report(extends.name, result))
    if result.problems:
        raise typer.Exit(FAILED)
    if result.erased:
        raise typer.Exit(PARTLY)


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
        raise typer.Exit(FAILED)
