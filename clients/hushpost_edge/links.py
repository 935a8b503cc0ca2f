"""The links of all campaigns, in a file, so that each redirects whatever else is down."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from hushpost_client import WatchedLink
from hushpost_edge.storage import connect, empty_log

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
    cursor text not null,          -- what WatchLinks goes on from
    is_complete integer not null   -- whether all links were here once
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
    """Links never change and are never withdrawn, so that what is here stays right."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._db = connect(file, _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def find(self, campaign: int, number: int) -> str | None:
        """Return where a link leads, None if it is not here."""
        row = self._db.execute(_FIND, (campaign, number)).fetchone()
        return None if row is None else str(row[0])

    def cursor(self) -> str:
        """Return the cursor to go on from; empty: from the beginning."""
        row = self._db.execute(_PROGRESS).fetchone()
        return "" if row is None else str(row[0])

    def is_complete(self) -> bool:
        """Tell whether all links that there were have been here once."""
        row = self._db.execute(_PROGRESS).fetchone()
        return row is not None and bool(row[1])

    def add(self, campaign: int, number: int, url: str) -> None:
        """Keep a link that was looked up. May be called in any thread."""
        with closing(connect(self._file, _SCHEMA)) as db:
            db.execute(_ADD, (campaign, number, url))

    def follow(self, links: Iterable[WatchedLink], cursor: str, *, is_complete: bool) -> None:
        """Keep links together with the cursor that stands after them."""
        rows = [(link.campaign_number, link.link_number, link.url) for link in links]
        self._db.execute("begin immediate")
        try:
            self._db.executemany(_ADD, rows)
            self._db.execute(_SET_PROGRESS, (cursor, is_complete))
            self._db.execute("commit")
        except sqlite3.Error:
            self._db.execute("rollback")
            raise
        empty_log(self._db)
