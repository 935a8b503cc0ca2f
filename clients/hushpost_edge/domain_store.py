"""A local copy of the verified tracking domains, so that an outage takes no certificates away."""

import sqlite3
from collections.abc import Set as AbstractSet
from contextlib import closing
from pathlib import Path

from hushpost_edge.sqlite import open_database, open_read_only, transaction, truncate_wal

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
        try:
            db = self._open()
        except (sqlite3.Error, OSError):
            db = open_read_only(self._file)
        with closing(db):
            return frozenset(name for (name,) in db.execute(_ALL))

    def change(self, *, add: AbstractSet[str], remove: AbstractSet[str]) -> None:
        """Add and remove names in one transaction. Raises sqlite3.Error, OSError."""
        with closing(self._open()) as db:
            with transaction(db):
                db.executemany(_ADD, [(name,) for name in add])
                db.executemany(_REMOVE, [(name,) for name in remove])
            truncate_wal(db)

    def _open(self) -> sqlite3.Connection:
        db = open_database(self._file, _SCHEMA)
        try:
            # The file may have been created for the links.
            db.execute(_SCHEMA)
        except BaseException:
            db.close()
            raise
        return db
