"""Compares an export of the log with an earlier one, which it should extend."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from hushpost_cli.consent_log.record import Record
from hushpost_cli.consent_log.verification import LogSummary, checked_log

__all__ = ["Comparison", "compare"]

# Numbers of changes start with the milliseconds since 1970, above 20 other bits. A transaction
# numbers its changes before it commits, so an export can miss changes with numbers below its
# last one, for as long as a transaction can take.
_LATE = 600_000 << 20

_PSEUDONYM = "erased:"


@dataclass(slots=True)
class Comparison:
    """How a file differs from an earlier one.

    Attributes:
        added: Entries that only the later file has.
        erased: Entries that are missing, or name a pseudonym, together with all other entries
            of their contact: as after an erasure.
        erased_contacts: The contacts of these entries.
        problems: What no use of Hushpost explains.
    """

    added: int = 0
    erased: int = 0
    erased_contacts: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


class _Pair(NamedTuple):
    """The entries of one number in both files."""

    number: int
    earlier: Record | None
    later: Record | None

    @property
    def is_erased(self) -> bool:
        """Whether the later file lacks the entry, or names a pseudonym instead of the contact."""
        if self.earlier is None or self.later == self.earlier:
            return False
        if self.later is None:
            return True
        pseudonym = self.later.contact_id
        return pseudonym.startswith(_PSEUDONYM) and self.later == self.earlier._replace(
            contact_id=pseudonym
        )


def compare(earlier: Path, later: Path) -> Comparison:
    """Compare two files, each of which has been verified.

    Raises:
        LogFileError: A file is not a log.
        OSError: A file can't be read.
    """
    result = Comparison()
    pseudonyms: dict[str, set[str]] = {}
    last = 0
    for pair in _pairs(earlier, later):
        if pair.earlier is None:
            result.added += 1
            continue
        last = pair.number
        if pair.is_erased:
            result.erased += 1
            names = pseudonyms.setdefault(pair.earlier.contact_id, set())
            names.add(pair.later.contact_id if pair.later else "")
        elif pair.later != pair.earlier:
            result.problems.append(f"change {pair.number} differs")
    result.erased_contacts = set(pseudonyms)
    result.problems += [
        f"the changes of {contact!r} were not erased together"
        for contact, names in pseudonyms.items()
        if len(names) > 1
    ]
    result.problems += _contradictions(earlier, later, result.erased_contacts, last)
    return result


def _contradictions(earlier: Path, later: Path, erased: set[str], last: int) -> Iterator[str]:
    """Yield what contradicts that contacts were erased, and that the log only grew."""
    for pair in _pairs(earlier, later):
        if pair.earlier is None:
            if pair.number < last - _LATE:
                yield f"change {pair.number} was inserted"
        elif pair.later == pair.earlier and pair.earlier.contact_id in erased:
            yield f"change {pair.number} is there, but others of its contact are missing"


def _pairs(earlier: Path, later: Path) -> Iterator[_Pair]:
    """Yield the entries of both files in the order of their numbers."""
    entries = merge(_numbered(earlier, 0), _numbered(later, 1), key=itemgetter(0))
    for number, group in groupby(entries, key=itemgetter(0)):
        records = {file: record for _, file, record in group}
        yield _Pair(number, records.get(0), records.get(1))


def _numbered(path: Path, file: int) -> Iterator[tuple[int, int, Record]]:
    for entry in checked_log(path, LogSummary()):
        yield int(entry.record.change_number), file, entry.record
