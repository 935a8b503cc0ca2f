"""Assigns spool files to worker processes by file locks.

A worker claims the first free spool file and holds its lock until the process ends, even
if it crashes. The next worker claims the same file, so that no file is orphaned and there
are never more files than workers.
"""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

from hushpost_edge.spooled_event import event_count

__all__ = ["claimed_spool_file", "exclusive_lock", "spool_files", "waiting_events"]


def spool_files(folder: Path) -> list[Path]:
    """Return all spool files in a folder, claimed or not."""
    return sorted(folder.glob("*.sqlite"))


def waiting_events(folder: Path) -> int:
    """Return how many events in a folder have not been shipped, without those in quarantine.

    For programs that have access to the folder, such as the demo. Metrics say it coarsely.
    Raises sqlite3.Error.
    """
    waiting = 0
    for file in spool_files(folder):
        with closing(sqlite3.connect(file)) as spool:
            sizes = spool.execute("select length(events) from arrivals").fetchall()
        waiting += sum(event_count(size) for (size,) in sizes)
    return waiting


@contextmanager
def claimed_spool_file(folder: Path) -> Iterator[Path]:
    """Claim a spool file that no other living process uses."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for index in count(1):
        with exclusive_lock(folder / f"{index}.lock") as is_locked:
            if is_locked:
                yield folder / f"{index}.sqlite"
                return


@contextmanager
def exclusive_lock(file: Path) -> Iterator[bool]:
    """Try to lock a file without waiting; yield whether it succeeded."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file.open("a") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
