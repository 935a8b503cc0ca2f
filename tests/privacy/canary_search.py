"""Search for canaries in data files, the WAL, a dump and the planner's statistics."""

import hashlib
import re
import struct
import subprocess
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.inspection import Connection, database_uri

from .canaries import Canaries, find
from .wal import PROGRAMS, records

__all__ = ["Found", "Source", "dump", "files", "log", "search", "statistics"]

Found = dict[tuple[str, str, str], set[int]]
"""Offsets by kind of canary, "id" or "number", and name of the place."""

_WAL_PAGE = 8192
_WAL_HEADER = struct.Struct("<HHIQ")
_WAL_SHORT, _WAL_LONG = 24, 40
_IS_LONG = 2
_DUMPED = re.compile(rb"\n-- (?:Data for |Statistics for )?Name: ")


@dataclass(frozen=True)
class Source:
    """Content to search, and a function that names the place at an offset."""

    content: bytes
    name_of: Callable[[int], str]

    @classmethod
    def with_name(cls, name: str, content: bytes) -> "Source":
        """Return a source with one name for all offsets."""
        return cls(content, lambda _: name)


def search(sources: Iterable[Source], kinds: Sequence[Canaries]) -> Found:
    """Return where the sources contain canaries of the given kinds."""
    found: Found = {}
    for source in sources:
        for canaries in kinds:
            for what, forms in (("id", canaries.id_forms), ("number", canaries.number_forms)):
                for place in find(source.content, forms):
                    name = source.name_of(place)
                    found.setdefault((canaries.kind, what, name), set()).add(place)
    return found


def files(folder: Path, names: Mapping[str, str]) -> Iterator[Source]:
    """Yield all distinct files below a folder, except the WAL."""
    seen: set[bytes] = set()
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or "pg_wal" in file.parts:
            continue
        content = file.read_bytes()
        digest = hashlib.sha256(content).digest()
        if digest in seen:
            # New databases have identical catalogs.
            continue
        seen.add(digest)
        place = str(file.relative_to(folder))
        if file.parent.parent.name == "base":
            node = file.name.split(".")[0].split("_")[0]
            place = names.get(f"1663/{file.parent.name}/{node}", place)
        yield Source.with_name(place, content)


def log(postgres: Path, names: Mapping[str, str]) -> Iterator[Source]:
    """Yield the WAL; a place in it is named after the relations that its record touches.

    Page headers are removed, because records continue across pages. Recycled segments
    are searched too, because they still contain old records.
    """
    segments = sorted(file for file in (postgres / "pg_wal").iterdir() if file.is_file())
    first = int(segments[0].name[8:16], 16) << 32 | int(segments[0].name[16:], 16) << 24
    known = records(postgres, names, f"{first >> 32:X}/{first & 0xFFFFFFFF:X}")
    starts = [record.start for record in known]
    pages = [
        _without_beginning(page, first, starts[0])
        for segment in segments
        for page in _pages(segment.read_bytes())
    ]
    offsets = [0]
    for _, body in pages:
        offsets.append(offsets[-1] + len(body))

    def name_of(place: int) -> str:
        page = bisect_right(offsets, place) - 1
        index = bisect_right(starts, pages[page][0] + place - offsets[page]) - 1
        if index < 0 or not known[index].blocks:
            return "log of no known relation"
        return "log of " + ", ".join(sorted({relation for relation, _ in known[index].blocks}))

    yield Source(b"".join(body for _, body in pages), name_of)


def _without_beginning(page: tuple[int, bytes], first: int, start: int) -> tuple[int, bytes]:
    """Remove what precedes the first record from a page.

    It is the end of a record that began in a segment which the server has removed, so
    nothing tells which relations the record touches.
    """
    address, body = page
    cut = max(start - address, 0) if first <= address else 0
    return address + cut, body[cut:]


def _pages(segment: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the position and content of each page body in a segment."""
    for start in range(0, len(segment), _WAL_PAGE):
        magic, info, _, address = _WAL_HEADER.unpack_from(segment, start)
        if magic:
            header = _WAL_LONG if info & _IS_LONG else _WAL_SHORT
            yield address + header, segment[start + header : start + _WAL_PAGE]


def dump(data_dir: Path) -> Iterator[Source]:
    """Yield the output of pg_dump, including statistics, table by table."""
    done = subprocess.run(
        [PROGRAMS / "pg_dump", "--statistics", "--dbname", database_uri(data_dir)],
        capture_output=True,
        check=True,
    )
    for part in _DUMPED.split(done.stdout):
        yield Source.with_name(f"dump of {part.split(b';', 1)[0].decode()}", part)


async def statistics(connection: Connection) -> list[Source]:
    """Return the planner's statistics per column; on disk they may be compressed."""
    rows = await connection.fetch(
        "select tablename || '.' || attname as name, s::text as text from pg_stats s"
    )
    return [Source.with_name(f"statistics of {name}", text.encode()) for name, text in rows]
