"""A local copy of the links of all campaigns, so that links redirect during an outage."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from hushpost_client import WatchedLink
from hushpost_edge.sqlite import open_database, truncate_wal

__all__ = ["LinkStore"]

_SCHEMA = """
create table if not exists links (
    campaign integer not null,
    number integer not null,
    url text not null,
    primary key (campaign, number)
) without rowid;
create table if not exists progress (
    only integer primary key check (only = 1),
    cursor text not null,          -- the last cursor of WatchLinks
    is_complete integer not null   -- whether a full snapshot has been received
) without rowid;
"""

_FIND = "select url from links where campaign = ? and number = ?"
_ADD = "insert or ignore into links (campaign, number, url) values (?, ?, ?)"
_PROGRESS = "select cursor, is_complete from progress"
_SET_PROGRESS = """
insert into progress (only, cursor, is_complete) values (1, ?, ?)
on conflict (only) do update set
    cursor = excluded.cursor, is_complete = max(is_complete, excluded.is_complete)
"""


class LinkStore:
    """Links in a SQLite file. Links never change and are never deleted."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._db = open_database(file, _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def find(self, campaign: int, number: int) -> str | None:
        """Return the URL of a link, None if it is not in the store."""
        row = self._db.execute(_FIND, (campaign, number)).fetchone()
        return None if row is None else str(row[0])

    def cursor(self) -> str | None:
        """Return the cursor to resume the stream of links from, None to start over."""
        row = self._db.execute(_PROGRESS).fetchone()
        return None if row is None else str(row[0])

    def is_complete(self) -> bool:
        """Return whether the store has once received a full snapshot of the links."""
        row = self._db.execute(_PROGRESS).fetchone()
        return row is not None and bool(row[1])

    def add(self, campaign: int, number: int, url: str) -> None:
        """Store one link. Can be called in any thread."""
        with closing(open_database(self._file, _SCHEMA)) as db:
            db.execute(_ADD, (campaign, number, url))

    def apply(self, links: Iterable[WatchedLink], cursor: str, *, is_complete: bool) -> None:
        """Store links and the cursor that follows them in one transaction."""
        rows = [(link.campaign_number, link.link_number, link.url) for link in links]
        self._db.execute("begin immediate")
        try:
            self._db.executemany(_ADD, rows)
            self._db.execute(_SET_PROGRESS, (cursor, is_complete))
            self._db.execute("commit")
        except sqlite3.Error:
            self._db.execute("rollback")
            raise
        truncate_wal(self._db)
