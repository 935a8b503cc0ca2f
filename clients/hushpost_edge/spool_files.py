"""Which spool file belongs to whom: one for each worker, the first that is free.

A worker holds the lock of its file for as long as it lives, however it ends; the
next worker goes on with the file that it finds free, so that no file is left
behind and their number stays that of the workers.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

__all__ = ["all_spools", "held", "own_spool"]


def all_spools(folder: Path) -> list[Path]:
    """Return the spool files that there are, whoever made them."""
    return sorted(folder.glob("*.sqlite"))


@contextmanager
def own_spool(folder: Path) -> Iterator[Path]:
    """Give a spool file that is no other living process's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for index in count(1):
        with held(folder / f"{index}.lock") as is_ours:
            if is_ours:
                yield folder / f"{index}.sqlite"
                return


@contextmanager
def held(lock: Path) -> Iterator[bool]:
    """Hold a lock file if nobody else does, and say whether."""
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
