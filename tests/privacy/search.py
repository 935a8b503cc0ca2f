"""Where canaries stand in what a thief takes: files, the log, a dump, statistics."""

import hashlib
import re
import struct
import subprocess
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.inspection import Connection, database_uri

from .traces import Canaries, find
from .wal import PROGRAMS, records

__all__ = ["Found", "Source", "dump", "files", "log", "search", "statistics"]

Found = dict[tuple[str, str, str], set[int]]
"""Places in a source, by kind of canary, "id" or "number", and name of the source."""

_WAL_PAGE = 8192
_WAL_HEADER = struct.Struct("<HHIQ")
_WAL_SHORT, _WAL_LONG = 24, 40
_IS_LONG = 2
_DUMPED = re.compile(rb"\n-- (?:Data for |Statistics for )?Name: ")


@dataclass(frozen=True)
class Source:
    """Something to search, and what to call a place in it."""

    content: bytes
    name_of: Callable[[int], str]

    @classmethod
    def called(cls, name: str, content: bytes) -> "Source":
        """Return a source that is called the same everywhere."""
        return cls(content, lambda _: name)


def search(sources: Iterable[Source], kinds: Sequence[Canaries]) -> Found:
    """Find canaries."""
    found: Found = {}
    for source in sources:
        for canaries in kinds:
            for what, forms in (("id", canaries.id_forms), ("number", canaries.number_forms)):
                for place in find(source.content, forms):
                    name = source.name_of(place)
                    found.setdefault((canaries.kind, what, name), set()).add(place)
    return found


def files(folder: Path, names: Mapping[str, str]) -> Iterator[Source]:
    """Go through all files below a folder but those of the log."""
    seen: set[bytes] = set()
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or "pg_wal" in file.parts:
            continue
        content = file.read_bytes()
        digest = hashlib.sha256(content).digest()
        if digest in seen:
            # Every database has the same catalogs at first.
            continue
        seen.add(digest)
        place = str(file.relative_to(folder))
        if file.parent.parent.name == "base":
            node = file.name.split(".")[0].split("_")[0]
            place = names.get(f"1663/{file.parent.name}/{node}", place)
        yield Source.called(place, content)


def log(postgres: Path, names: Mapping[str, str]) -> Iterator[Source]:
    """Go through the write-ahead log; a place in it is called after what its record touches.

    Page headers are taken out, because a record goes on behind them. Segments
    that are kept for later use are searched, too: they hold what they held.
    """
    segments = sorted(file for file in (postgres / "pg_wal").iterdir() if file.is_file())
    first = int(segments[0].name[8:16], 16) << 32 | int(segments[0].name[16:], 16) << 24
    known = records(postgres, names, f"{first >> 32:X}/{first & 0xFFFFFFFF:X}")
    starts = [record.start for record in known]
    pages = [page for segment in segments for page in _pages(segment.read_bytes())]
    offsets = [0]
    for _, body in pages:
        offsets.append(offsets[-1] + len(body))

    def name_of(place: int) -> str:
        page = bisect_right(offsets, place) - 1
        index = bisect_right(starts, pages[page][0] + place - offsets[page]) - 1
        if index < 0 or not known[index].blocks:
            return "log of nothing known"
        return "log of " + ", ".join(sorted({relation for relation, _ in known[index].blocks}))

    yield Source(b"".join(body for _, body in pages), name_of)


def _pages(segment: bytes) -> Iterator[tuple[int, bytes]]:
    """Go through a segment's pages: the position at which each body begins, and the body."""
    for start in range(0, len(segment), _WAL_PAGE):
        magic, info, _, address = _WAL_HEADER.unpack_from(segment, start)
        if magic:
            header = _WAL_LONG if info & _IS_LONG else _WAL_SHORT
            yield address + header, segment[start + header : start + _WAL_PAGE]


def dump(data_dir: Path) -> Iterator[Source]:
    """Go through what pg_dump writes, statistics included, table by table."""
    done = subprocess.run(
        [PROGRAMS / "pg_dump", "--statistics", "--dbname", database_uri(data_dir)],
        capture_output=True,
        check=True,
    )
    for part in _DUMPED.split(done.stdout):
        yield Source.called(f"dump of {part.split(b';', 1)[0].decode()}", part)


async def statistics(connection: Connection) -> list[Source]:
    """Return what the planner remembers of each column, which may lie compressed."""
    rows = await connection.fetch(
        "select tablename || '.' || attname as name, s::text as text from pg_stats s"
    )
    return [Source.called(f"statistics of {name}", text.encode()) for name, text in rows]
