"""A local copy of the verified tracking domains, so that an outage takes no certificates away."""

from collections.abc import Set as AbstractSet
from contextlib import closing
from pathlib import Path

from hushpost_edge.sqlite import transaction, truncate_wal
from hushpost_edge.store_file import StoreFile

__all__ = ["DomainStore"]

_SCHEMA = "create table if not exists domains (domain text primary key) without rowid"
_ALL = "select domain from domains"
_ADD = "insert or ignore into domains (domain) values (?)"
_REMOVE = "delete from domains where domain = ?"


class DomainStore:
    """Names of domains in the SQLite file of the links.

    The file is opened for each call, because calls are rare. They can be made in any thread.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def names(self) -> frozenset[str]:
        """Return all names, also from a full disk. Raises sqlite3.Error."""
        with closing(StoreFile(self._file, _SCHEMA)) as store:
            return frozenset(name for (name,) in store.rows(_ALL))

    def change(self, *, add: AbstractSet[str], remove: AbstractSet[str]) -> None:
        """Add and remove names in one transaction. Raises sqlite3.Error, OSError."""
        with closing(StoreFile(self._file, _SCHEMA)) as store:
            db = store.connection()
            with transaction(db):
                db.executemany(_ADD, [(name,) for name in add])
                db.executemany(_REMOVE, [(name,) for name in remove])
            truncate_wal(db)
