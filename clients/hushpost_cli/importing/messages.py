"""The messages of `hushpost import`."""

from hushpost_cli.contacts_file.header import Header, column_list
from hushpost_cli.contacts_file.rejected_rows import RejectedRows
from hushpost_cli.importing.batches import ImportProgress
from hushpost_cli.importing.preflight import ImportSummary
from hushpost_client import DoNotTrack

__all__ = ["content", "effect", "failure", "header_notes", "report"]


def header_notes(name: str, header: Header) -> list[str]:
    """Return notes on unused columns and on a missing preference column."""
    notes = []
    if header.ignored:
        notes.append(f"{name}: ignoring the columns {column_list(header.ignored)}")
    if header.do_not_track is None:
        notes.append(f"{name}: no column doNotTrack, preferences stay unchanged")
    return notes


def content(name: str, summary: ImportSummary) -> list[str]:
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


def effect(done: ImportProgress) -> list[str]:
    """Return what an import would do."""
    unchanged = done.sent - done.loosened - done.tightened - done.protected
    return [
        f"an import now would create {done.created:,} contacts",
        f"{done.loosened:,} preferences loosened, {done.tightened:,} tightened, {unchanged:,} kept",
        f"{done.protected:,} rows would loosen what recipients decided in person, and are skipped",
    ]


def report(
    name: str,
    summary: ImportSummary,
    done: ImportProgress,
    rejected: RejectedRows,
    protected: RejectedRows,
) -> list[str]:
    """Return what the import did."""
    changed = done.loosened + done.tightened
    imported = f"{done.sent - done.protected:,} contacts imported: {done.created:,} new"
    lines = [f"{name}: {summary.rows:,} rows, {imported}, {changed:,} changed"]
    if changed:
        lines.append(f"{done.loosened:,} preferences loosened, {done.tightened:,} tightened")
    if summary.empty:
        lines.append(f"{summary.empty:,} rows have an empty doNotTrack cell")
    if done.superseded:
        lines.append(f"{done.superseded:,} rows superseded by another row of the same contact")
    if done.protected:
        lines.append(
            f"{done.protected:,} rows skipped, because they would loosen what recipients decided "
            f"in person, see {protected.path}"
        )
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
