"""Combines the rows of a contact if a file has several of them."""

from typing import NamedTuple

from hushpost_cli.importing.cells import Contact
from hushpost_cli.importing.decision import KEEP, Decision

__all__ = ["RepeatedContacts"]

# A bitmap of 16 MiB (a Bloom filter with one hash) for files of any size. Of a million
# contacts, about 4,000 look repeated without being so, which costs a dict entry each.
_BITS = 1 << 27

_MAX_LINES = 1 << 48

# The classes of rows; those with values have higher ones, by strictness.
_NO_CELL = 0
_EMPTY_CELL = 1


class _Best(NamedTuple):
    rank: int
    decision: Decision


class RepeatedContacts:
    """What contacts with several rows decided. The order of the rows is irrelevant.

    A row with a value counts before one with an empty cell, and that before a row without
    a cell. Of two values for a purpose, the stricter counts. The row with the strictest values,
    and the last of equal ones, is sent for all of them.

    Sending all rows instead would change the preference back and forth at every import,
    and anonymize events on the way.
    """

    def __init__(self) -> None:
        self._seen = bytearray(_BITS >> 3)
        # The best row of contacts that may be repeated; see `chosen` for the first row.
        self._best: dict[str, _Best] = {}

    def add(self, contact: Contact, line: int) -> None:
        """Remember a row. Call this for all rows, before `chosen`."""
        bit = hash(contact.contact_id) & (_BITS - 1)
        mask = 1 << (bit & 7)
        if not self._seen[bit >> 3] & mask:
            self._seen[bit >> 3] |= mask
            return
        best = self._best.get(contact.contact_id)
        self._best[contact.contact_id] = _better(best, contact, line)

    def chosen(self, contact: Contact, line: int) -> Contact | None:
        """Return what to send for a row; None if another row is sent for its contact.

        Call this once for all rows, in order.
        """
        best = self._best.get(contact.contact_id)
        if best is None:
            return contact
        # It may be the first row of the contact, which `add` did not know to be repeated.
        best = self._best[contact.contact_id] = _better(best, contact, line)
        if best.rank != _rank(contact, line):
            return None
        return contact._replace(decision=best.decision)


def _better(best: _Best | None, contact: Contact, line: int) -> _Best:
    rank = _rank(contact, line)
    if best is None:
        return _Best(rank, contact.decision)
    if min(rank, best.rank) // _MAX_LINES > _EMPTY_CELL:
        decision = best.decision.combined(contact.decision)
    else:
        decision = contact.decision if rank > best.rank else best.decision
    return _Best(max(rank, best.rank), decision)


def _rank(contact: Contact, line: int) -> int:
    return _class_rank(contact) * _MAX_LINES + line


def _class_rank(contact: Contact) -> int:
    if contact.decision == KEEP:
        return _NO_CELL
    return _EMPTY_CELL if contact.is_empty else _EMPTY_CELL + contact.decision.strictness
