"""Parse the files of tables and indexes: every item in them, live or dead.

Source of the page layout: the chapter `storage-page-layout` of PostgreSQL's manual.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from tests.inspection import Connection

__all__ = [
    "EventRow",
    "Item",
    "contact_of_entry",
    "contact_of_row",
    "event_of",
    "files_of",
    "items",
]

PAGE_BYTES = 8192
_PAGE_HEADER = 24
_ROW_HEADER = 22
_EVENT = Struct("<qqqiihh")
_NUMBER = Struct("<q")


@dataclass(frozen=True, slots=True)
class Item:
    """A row version or an index entry: position, state and bytes."""

    page: int
    number: int
    state: int
    data: bytes

    @property
    def columns(self) -> bytes:
        """The column data of a row version."""
        return self.data[self.data[_ROW_HEADER] :]

    @property
    def header(self) -> bytes:
        """The header of a row version: transaction IDs, flags and null bitmap."""
        return self.data[: self.data[_ROW_HEADER]]


class EventRow(NamedTuple):
    """The columns of a row version of `events`, without time and verdict."""

    campaign: int
    contact: int
    group: int
    slot: int
    signal: int


def items(file: Path) -> Iterator[Item]:
    """Yield all items with data from the file of a table or an index."""
    content = file.read_bytes()
    for start in range(0, len(content), PAGE_BYTES):
        page = content[start : start + PAGE_BYTES]
        (lower,) = struct.unpack_from("<H", page, 12)
        for place in range(_PAGE_HEADER, lower, 4):
            (pointer,) = struct.unpack_from("<I", page, place)
            offset, state, length = pointer & 0x7FFF, pointer >> 15 & 3, pointer >> 17
            if length:
                number = (place - _PAGE_HEADER) // 4 + 1
                yield Item(start // PAGE_BYTES, number, state, page[offset : offset + length])


def contact_of_row(row: Item) -> int:
    """Return the contact number in a row version of `contacts`; it follows the tenant."""
    return int(_NUMBER.unpack_from(row.columns, 8)[0])


def contact_of_entry(entry: Item) -> int | None:
    """Return the contact number in an entry of `contacts_pkey`, or None if it has none."""
    return int(_NUMBER.unpack_from(entry.data, 16)[0]) if len(entry.data) >= 24 else None


def event_of(row: Item) -> EventRow:
    """Parse a row version of `events`."""
    campaign, contact, _, _, slot, group, signal = _EVENT.unpack_from(row.columns)
    return EventRow(campaign, contact, group, slot, signal)


async def files_of(connection: Connection, folder: Path, pattern: str) -> dict[str, Path]:
    """Return the files of relations by name, for names that match a LIKE pattern."""
    rows = await connection.fetch(
        "select relname, pg_relation_filepath(oid) from pg_class"
        " where relname like $1 and pg_relation_filenode(oid) is not null",
        pattern,
    )
    return {name: folder / path for name, path in rows}
