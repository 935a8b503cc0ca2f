"""The messages of `hushpost import`."""

from hushpost_cli.contacts_file.header import Header
from hushpost_cli.contacts_file.rejected_rows import RejectedRows
from hushpost_cli.importing.batches import ImportProgress
from hushpost_cli.importing.preflight import ImportSummary
from hushpost_client import DoNotTrack

__all__ = ["dry_run_report", "failure", "header_notes", "report"]


def header_notes(name: str, header: Header) -> list[str]:
    """Return notes on unused columns and on a missing preference column."""
    notes = []
    if header.ignored:
        notes.append(f"{name}: ignoring the columns {', '.join(header.ignored)}")
    if header.do_not_track is None:
        notes.append(f"{name}: no column doNotTrack, preferences stay unchanged")
    return notes


def dry_run_report(name: str, summary: ImportSummary) -> list[str]:
    """Return what the file contains."""
    count = summary.preferences.get
    return [
        f"{name}: {summary.totals()}; nothing was written",
        f"doNotTrack true: {count(DoNotTrack.TRUE, 0):,}",
        f"doNotTrack false: {count(DoNotTrack.FALSE, 0):,}, by an empty cell: {summary.empty:,}",
        f"doNotTrack unset by an empty cell: {count(DoNotTrack.UNSET, 0):,}",
        f"doNotTrack unchanged: {count(None, 0):,}",
        *summary.errors(),
    ]


def report(
    name: str, summary: ImportSummary, done: ImportProgress, rejected: RejectedRows
) -> list[str]:
    """Return what the import did."""
    imported = f"{done.sent:,} contacts imported: {done.created:,} new, {done.changed:,} changed"
    lines = [f"{name}: {summary.rows:,} rows, {imported}"]
    if done.superseded:
        lines.append(f"{done.superseded:,} rows superseded by another row of the same contact")
    if rejected.count:
        lines.append(f"{rejected.count:,} rows rejected, see {rejected.path}")
    return lines


def failure(name: str, reason: str, done: ImportProgress) -> str:
    """Return why the import stopped, and what it has done."""
    result = f"everything up to line {done.done_line:,} is imported"
    if not done.done_line:
        result = "nothing was imported"
    if done.open_line:
        rows = f"from there to line {done.open_line:,}"
        if not done.done_line:
            result, rows = "nothing is known to be imported", f"up to line {done.open_line:,}"
        result += f", the rows {rows} may or may not be"
    return f"{name}: {reason}; {result}. Importing the file again is safe."
