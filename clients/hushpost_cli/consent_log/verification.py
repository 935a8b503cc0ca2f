"""Verifies that a file of the log is complete and unchanged."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hushpost_cli.consent_log.log_file import End, Entry, read_log
from hushpost_cli.consent_log.record import START, next_digest

__all__ = ["LogSummary", "checked_log"]

_NUMBER = re.compile("[0-9]{1,19}")


@dataclass(slots=True)
class LogSummary:
    """What a file contains.

    Attributes:
        entries: Number of entries.
        first_time: When the first entry was recorded; empty if there is none.
        last_time: When the last entry was recorded.
        digest: The digest of the last entry, which depends on all of them.
        problems: What shows that the file was changed or cut off.
    """

    entries: int = 0
    first_time: str = ""
    last_time: str = ""
    digest: str = START
    problems: list[str] = field(default_factory=list)


def checked_log(path: Path, summary: LogSummary) -> Iterator[Entry]:
    """Yield the entries of a file; the summary is complete at the end.

    After a problem, the digest in the file is taken for right, so that each change shows where it
    was made.

    Raises:
        LogFileError: The file is not a log.
        OSError: The file can't be read.
    """
    number = 0
    end: End | None = None
    for item in read_log(path):
        if end:
            summary.problems.append(f"line {item.line} follows the end")
        if isinstance(item, End):
            end = item
            _check_end(end, summary)
            continue
        record = item.record
        if item.digest != next_digest(summary.digest, record):
            summary.problems.append(
                f"line {item.line} was changed, or lines before it were removed or added"
            )
        if not _NUMBER.fullmatch(record.change_number) or int(record.change_number) <= number:
            summary.problems.append(f"line {item.line} is not in the order of changes")
        else:
            number = int(record.change_number)
        summary.entries += 1
        summary.digest = item.digest
        summary.first_time = summary.first_time or record.change_time
        summary.last_time = record.change_time
        yield item
    if end is None:
        summary.problems.append("it is cut off: its end is missing")


def _check_end(end: End, summary: LogSummary) -> None:
    if (end.entries, end.digest) != (str(summary.entries), summary.digest):
        summary.problems.append(
            f"line {end.line}: the file had {end.entries} entries when it was written, "
            f"and now has {summary.entries:,}"
        )
