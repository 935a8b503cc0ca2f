"""The messages of `hushpost erase`."""

from hushpost_cli.contacts_file.header import Header, column_list
from hushpost_cli.contacts_file.rejected_rows import RejectedRows
from hushpost_cli.erasing.calls import EraseProgress, EraseSummary

__all__ = ["content", "failure", "header_notes", "question", "report"]


def header_notes(name: str, header: Header) -> list[str]:
    """Return a note on unused columns."""
    ignored = header.ignored
    return [f"{name}: ignoring the columns {column_list(ignored)}"] if ignored else []


def content(name: str, summary: EraseSummary) -> list[str]:
    """Return what the file contains."""
    return [f"{name}: {summary.totals()}; no contact was erased", *summary.errors()]


def question(name: str, summary: EraseSummary, tenant_id: str) -> str:
    """Return the question that asks for confirmation."""
    bad = f" ({summary.bad:,} rows are bad and left out)" if summary.bad else ""
    return f"{name}: erase {summary.good:,} contacts of {tenant_id}{bad}? This cannot be undone."


def report(
    name: str, summary: EraseSummary, done: EraseProgress, rejected: RejectedRows
) -> list[str]:
    """Return what the command did."""
    lines = [f"{name}: {summary.rows:,} rows, {done.erased:,} contacts erased"]
    if rejected.count:
        lines.append(f"{rejected.count:,} rows rejected, see {rejected.path}")
    return lines


def failure(name: str, reason: str, done: EraseProgress) -> str:
    """Return why the command stopped, and what it has done."""
    result = f"{done.erased:,} contacts are erased"
    if done.in_doubt:
        result += f", {done.in_doubt:,} more may or may not be"
    return f"{name}: {reason}; {result}. Erasing the same file again continues."
