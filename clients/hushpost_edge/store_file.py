"""A SQLite file that can be read on a full disk, and that is opened when it is first used."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from hushpost_edge.sqlite import open_database, open_read_only

__all__ = ["StoreFile"]


class StoreFile:
    """A file with tables that are created if they are missing."""

    def __init__(self, file: Path, schema: str) -> None:
        self._file = file
        self._schema = schema
        self._opened: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file."""
        if self._opened is not None:
            self._opened.close()

    def rows(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """Run a query. Raises sqlite3.Error."""
        try:
            db = self.connection()
        except (sqlite3.Error, OSError):
            with closing(open_read_only(self._file)) as db:
                return db.execute(query, parameters).fetchall()
        return db.execute(query, parameters).fetchall()

    def connection(self) -> sqlite3.Connection:
        """Return the connection. Raises sqlite3.Error, OSError."""
        if self._opened is None:
            self._opened = self.open()
        return self._opened

    def open(self) -> sqlite3.Connection:
        """Open a further connection. Raises sqlite3.Error, OSError."""
        db = open_database(self._file, self._schema)
        try:
            # Another store may have created the file, or an earlier version.
            db.executescript(self._schema)
        except BaseException:
            db.close()
            raise
        return db
