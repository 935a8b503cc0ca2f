"""The messages of `hushpost import`."""

from collections import Counter

from hushpost_cli.contacts_file.header import Header, column_list, contact_id_column, shown
from hushpost_cli.contacts_file.rejected_rows import RejectedRows
from hushpost_cli.importing.batches import ImportProgress
from hushpost_cli.importing.columns import CONSENT_COLUMNS, DECISION_COLUMNS
from hushpost_cli.importing.decision import Wish
from hushpost_cli.importing.preflight import ImportSummary

__all__ = ["content", "effect", "failure", "header_notes", "report"]


def header_notes(name: str, header: Header) -> list[str]:
    """Return notes on the columns: how contacts are named, unused ones, no preferences."""
    notes = []
    if contact_id_column(header.columns) != header.contact_id:
        column = shown(header.columns[header.contact_id])
        notes.append(f"{name}: the column {column} has the contact ids")
    if header.ignored:
        notes.append(f"{name}: ignoring the columns {column_list(header.ignored)}")
    if header.positions.keys().isdisjoint(DECISION_COLUMNS):
        notes.append(
            f"{name}: no column doNotTrack or tracking_consent, preferences stay unchanged"
        )
    return notes


def content(name: str, header: Header, summary: ImportSummary) -> list[str]:
    """Return what the file contains."""
    lines = [f"{name}: {summary.totals()}; nothing was written"]
    if header.positions.keys().isdisjoint(CONSENT_COLUMNS):
        lines += _do_not_track(summary)
    else:
        lines += [_consents("opens", summary.opens), _consents("clicks", summary.clicks)]
        lines.append(f"consent granted by an empty doNotTrack cell: {summary.empty:,}")
    return lines + summary.errors()


def _do_not_track(summary: ImportSummary) -> list[str]:
    count = summary.opens
    return [
        f"doNotTrack true: {count[Wish.REFUSED]:,}",
        f"doNotTrack false: {count[Wish.GRANTED]:,}, by an empty cell: {summary.empty:,}",
        f"doNotTrack unset by an empty cell: {count[Wish.UNKNOWN]:,}",
        f"doNotTrack unchanged: {count[None]:,}",
    ]


def _consents(purpose: str, count: Counter[Wish | None]) -> str:
    return (
        f"consent to {purpose}: granted {count[Wish.GRANTED]:,}, unknown {count[Wish.UNKNOWN]:,}, "
        f"denied {count[Wish.DENIED]:,}, withdrawn {count[Wish.WITHDRAWN]:,}, "
        f"doNotTrack {count[Wish.REFUSED]:,}, unchanged {count[None]:,}"
    )


def effect(done: ImportProgress) -> list[str]:
    """Return what an import would do."""
    # A row can be protected for one purpose and change the other.
    unchanged = max(done.sent - done.changed - done.protected, 0)
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
    imported = f"{done.sent - done.protected:,} contacts imported: {done.created:,} new"
    lines = [f"{name}: {summary.rows:,} rows, {imported}, {done.changed:,} changed"]
    if done.changed:
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
