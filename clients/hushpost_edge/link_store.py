"""A local copy of the links of all campaigns, so that links redirect during an outage."""

from collections.abc import Iterable
from contextlib import closing
from operator import ne
from pathlib import Path

from hushpost_client import WatchedLink
from hushpost_edge.damaged_link import HEADER_LENGTH, fold
from hushpost_edge.sqlite import transaction, truncate_wal
from hushpost_edge.store_file import StoreFile
from hushpost_edge.token_header import token_for_lookup

__all__ = ["LinkStore"]

_SCHEMA = """
create table if not exists links (
    campaign integer not null,
    number integer not null,
    url text not null,
    primary key (campaign, number)
) without rowid;
create table if not exists headers (
    folded text not null,          -- see damaged_link.fold
    campaign integer not null,
    primary key (folded, campaign)
) without rowid;
create index if not exists headers_second_half on headers (substr(folded, 6));
create table if not exists progress (
    only integer primary key check (only = 1),
    cursor text not null,          -- the last cursor of WatchLinks
    is_complete integer not null   -- whether a full snapshot has been received
) without rowid;
"""

_HALF = HEADER_LENGTH // 2

_FIND = "select url from links where campaign = ? and number = ?"
_ADD = "insert or ignore into links (campaign, number, url) values (?, ?, ?)"
_ADD_HEADER = "insert or ignore into headers (folded, campaign) values (?, ?)"
_FIND_BY_HEADER = "select campaign from headers where folded = ? limit 2"
# At least one half of a header with one damaged character is undamaged.
_FIND_BY_HALF = """
select folded, campaign from headers where folded >= :first and folded < :first || '~'
union
select folded, campaign from headers where substr(folded, 6) = :second
limit 10000
"""
_PROGRESS = "select cursor, is_complete from progress"
_SET_PROGRESS = """
insert into progress (only, cursor, is_complete) values (1, ?, ?)
on conflict (only) do update set
    cursor = excluded.cursor, is_complete = max(is_complete, excluded.is_complete)
"""


class LinkStore:
    """Links in a SQLite file. Links never change and are never deleted.

    All methods raise sqlite3.Error, and those that write raise OSError if the file is missing
    and cannot be created.
    """

    def __init__(self, file: Path) -> None:
        self._store = StoreFile(file, _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def find(self, campaign: int, number: int) -> str | None:
        """Return the URL of a link, None if it is not in the store."""
        for row in self._store.rows(_FIND, (campaign, number)):
            return str(row[0])
        return None

    def find_campaign(self, header: str) -> int | None:
        """Return the campaign of a damaged header (see `damaged_link`).

        The case of its characters may be changed, and one character be another. Returns
        None if no campaign fits, or more than one.
        """
        if len(header) != HEADER_LENGTH:
            return None
        found = {row[0] for row in self._store.rows(_FIND_BY_HEADER, (header,))}
        if not found:
            halves = {"first": header[:_HALF], "second": header[_HALF:]}
            found = {
                campaign
                for folded, campaign in self._store.rows(_FIND_BY_HALF, halves)
                if sum(map(ne, folded, header)) == 1
            }
        return found.pop() if len(found) == 1 else None

    def cursor(self) -> str | None:
        """Return the cursor to resume the stream of links from, None to start over."""
        for cursor, _ in self._store.rows(_PROGRESS):
            return str(cursor)
        return None

    def is_complete(self) -> bool:
        """Return whether the store has once received a full snapshot of the links."""
        return any(is_complete for _, is_complete in self._store.rows(_PROGRESS))

    def add(self, campaign: int, number: int, url: str) -> None:
        """Store one link. Can be called in any thread."""
        with closing(self._store.open()) as db, transaction(db):
            db.execute(_ADD, (campaign, number, url))
            db.execute(_ADD_HEADER, _header_row(campaign))

    def apply(self, links: Iterable[WatchedLink], cursor: str, *, is_complete: bool) -> None:
        """Store links and the cursor that follows them in one transaction."""
        rows = [(link.campaign_number, link.link_number, link.url) for link in links]
        headers = {_header_row(campaign) for campaign, _, _ in rows}
        db = self._store.connection()
        with transaction(db):
            db.executemany(_ADD, rows)
            db.executemany(_ADD_HEADER, headers)
            db.execute(_SET_PROGRESS, (cursor, is_complete))
        truncate_wal(db)


def _header_row(campaign: int) -> tuple[str, int]:
    return fold(token_for_lookup(campaign)), campaign
