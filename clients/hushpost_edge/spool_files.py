"""Assigns spool files to worker processes by file locks.

A worker claims the first free spool file and holds its lock until the process ends, even
if it crashes. The next worker claims the same file, so that no file is orphaned and there
are never more files than workers.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

__all__ = ["claimed_spool_file", "exclusive_lock", "spool_files"]


def spool_files(folder: Path) -> list[Path]:
    """Return all spool files in a folder, claimed or not."""
    return sorted(folder.glob("*.sqlite"))


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
