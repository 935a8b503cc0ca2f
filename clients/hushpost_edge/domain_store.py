"""A local copy of the verified tracking domains, so that an outage takes no certificates away."""

from collections.abc import Set as AbstractSet
from pathlib import Path

from hushpost_edge.sqlite import open_database, transaction, truncate_wal

__all__ = ["DomainStore"]

_SCHEMA = "create table if not exists domains (domain text primary key) without rowid"
_ALL = "select domain from domains"
_ADD = "insert or ignore into domains (domain) values (?)"
_REMOVE = "delete from domains where domain = ?"


class DomainStore:
    """Names of domains in the SQLite file of the links."""

    def __init__(self, file: Path) -> None:
        self._db = open_database(file, _SCHEMA)
        # The file may have been created for the links.
        self._db.execute(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def names(self) -> frozenset[str]:
        """Return all names."""
        return frozenset(name for (name,) in self._db.execute(_ALL))

    def change(self, *, add: AbstractSet[str], remove: AbstractSet[str]) -> None:
        """Add and remove names in one transaction."""
        with transaction(self._db):
            self._db.executemany(_ADD, [(name,) for name in add])
            self._db.executemany(_REMOVE, [(name,) for name in remove])
        truncate_wal(self._db)
