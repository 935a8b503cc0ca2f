"""Chooses the row that counts if a file has several rows of a contact."""

from hushpost_cli.importing.cells import Contact
from hushpost_client import DoNotTrack

__all__ = ["RepeatedContacts"]

# A bitmap of 16 MiB (a Bloom filter with one hash) for files of any size. Of a million
# contacts, about 4,000 look repeated without being so, which costs a dict entry each.
_BITS = 1 << 27

_MAX_LINES = 1 << 48


class RepeatedContacts:
    """The rows that count for contacts with several rows. The order of the rows is irrelevant.

    A row with a value counts before one with an empty cell, and that before a row without
    a cell. Of two values, the stricter counts. Of equal rows, the last counts.

    Sending all rows instead would change the preference back and forth at every import,
    and anonymize events on the way.
    """

    def __init__(self) -> None:
        self._seen = bytearray(_BITS >> 3)
        # The best rank for contacts that may be repeated; see `counts` for the first row.
        self._best: dict[str, int] = {}

    def add(self, contact: Contact, line: int) -> None:
        """Remember a row. Call this for all rows, before `counts`."""
        bit = hash(contact.contact_id) & (_BITS - 1)
        mask = 1 << (bit & 7)
        if not self._seen[bit >> 3] & mask:
            self._seen[bit >> 3] |= mask
            return
        rank = _rank(contact, line)
        if rank > self._best.get(contact.contact_id, -1):
            self._best[contact.contact_id] = rank

    def counts(self, contact: Contact, line: int) -> bool:
        """Return whether a row is the one that counts. Call this once for all rows, in order."""
        best = self._best.get(contact.contact_id)
        if best is None:
            return True
        rank = _rank(contact, line)
        if rank > best:
            # The first row of the contact, which `add` did not know to be repeated.
            self._best[contact.contact_id] = best = rank
        return rank == best


def _rank(contact: Contact, line: int) -> int:
    return _class_rank(contact) * _MAX_LINES + line


def _class_rank(contact: Contact) -> int:
    if contact.do_not_track is None:
        return 0
    if contact.is_empty:
        return 1
    return 3 if contact.do_not_track is DoNotTrack.TRUE else 2
