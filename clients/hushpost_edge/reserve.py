"""Disk space that is reserved for shipping, so that a full disk does not stop it.

To delete events that were shipped, SQLite writes the pages to its log first. The reserve is a
file whose blocks are allocated. On a full disk a process frees them, moves the log into the
database file and repeats the write that failed. Events are appended only while the reserve is
held, so that they cannot use it up.

The processes of an edge share one reserve. The size of the file says whether it is held; a lock
keeps others from taking it again while one process is using the space.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from hushpost_edge.allocation import allocate
from hushpost_edge.sqlite import open_database, truncate_wal

__all__ = [
    "DiskFullError",
    "Reserve",
    "ReservedWrites",
    "is_out_of_space",
    "is_reserve_missing",
    "may_use_reserve",
]

_FILE = "reserve"
_BYTES = 2 << 20
"""Deleting a batch takes 550 KB at most, if each event was appended on its own; a checkpoint, what
`Spool.limit_growth` allows."""

_MARGIN_BYTES = 256 << 10
"""Events are recorded again when so much is free beyond the reserve, so that they do not fill the
disk again at once."""

_OUT_OF_SPACE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
_PRIMARY_CODE = 0xFF

_Result = TypeVar("_Result")
_Parameters = ParamSpec("_Parameters")


class DiskFullError(Exception):
    """The disk has no space for further events."""


def is_out_of_space(error: sqlite3.Error) -> bool:
    """Return whether a full disk can cause an error; a failing one and a quota can, too."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE in _OUT_OF_SPACE


def is_reserve_missing(folder: Path) -> bool:
    """Return whether the reserve in a folder is used up, so that no events are recorded."""
    file = folder / _FILE
    return file.exists() and file.stat().st_size < _BYTES


class Reserve:
    """The reserve in a folder. Raises OSError if its file is missing and cannot be created."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / _FILE, os.O_RDWR | os.O_CREAT, 0o600)

    def close(self) -> None:
        """Close the file; the space stays allocated."""
        os.close(self._file)

    @property
    def is_held(self) -> bool:
        """Whether the space is allocated."""
        # Before each commit; `fstat` would take 1 µs.
        return os.lseek(self._file, 0, os.SEEK_END) >= _BYTES

    def take(self) -> bool:
        """Allocate the space; return whether it is held, and the disk has some more for events."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            return self._extend(0, _BYTES) and self._extend(_BYTES, _MARGIN_BYTES)
        finally:
            if self.is_held:
                os.ftruncate(self._file, _BYTES)
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _extend(self, size: int, more: int) -> bool:
        try:
            allocate(self._file, size, more)
        except OSError:
            os.ftruncate(self._file, size)  # a part may have been allocated
            return False
        return True

    @contextmanager
    def released(self) -> Iterator[None]:
        """Free the space for the block. Afterwards it has to be taken again."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            os.ftruncate(self._file, 0)
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def open_database(self, file: Path, schema: str) -> sqlite3.Connection:
        """Open a file of SQLite, which creates files for the log and its index.

        Raises sqlite3.Error, OSError.
        """
        try:
            return open_database(file, schema)
        except sqlite3.Error as error:
            if not is_out_of_space(error):
                raise
        with self.released():
            return open_database(file, schema)


class ReservedWrites:
    """Runs the writes of a connection that may use the reserve."""

    def __init__(self, connection: sqlite3.Connection, reserve: Reserve) -> None:
        self._db = connection
        self._reserve = reserve

    def run(self, write: Callable[[], _Result]) -> _Result:
        """Run a write that changes nothing if it fails. Raises sqlite3.Error."""
        try:
            return write()
        except sqlite3.Error as error:
            if not is_out_of_space(error):
                raise
        with self._reserve.released():
            self._truncate_log()
            result = write()
            # Otherwise the logs of several spools would take the space of the reserve.
            self._truncate_log()
        return result

    def make_room(self) -> bool:
        """Truncate the log with the help of the reserve; return whether there is room for events."""
        with self._reserve.released():
            self._truncate_log()
        return self._reserve.take()

    def _truncate_log(self) -> None:
        with suppress(sqlite3.Error):
            truncate_wal(self._db)


class _HasWrites(Protocol):
    writes: ReservedWrites


_Owner = TypeVar("_Owner", bound=_HasWrites)


def may_use_reserve(
    method: Callable[Concatenate[_Owner, _Parameters], _Result],
) -> Callable[Concatenate[_Owner, _Parameters], _Result]:
    """Decorate a method that changes nothing if it fails, so that it works on a full disk."""

    @wraps(method)
    def run(owner: _Owner, /, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        return owner.writes.run(lambda: method(owner, *args, **kwargs))

    return run
