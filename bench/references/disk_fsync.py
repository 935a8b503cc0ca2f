"""Reference for latencies: how long the disk of the database takes to flush one small write."""

import os
import time
from pathlib import Path
from tempfile import TemporaryFile

__all__ = ["measure_fsync"]

_WRITES = 500
_BLOCK = bytes(8192)
"""A page of PostgreSQL's log."""

_BLOCKS = 256


def measure_fsync(folder: Path) -> list[float]:
    """Overwrite pages of a file in a folder, each with `fdatasync`; return the seconds of each.

    PostgreSQL flushes its log in the same way, into files that exist already.
    """
    seconds = []
    with TemporaryFile(dir=folder, buffering=0) as file:
        number = file.fileno()
        os.pwrite(number, _BLOCK * _BLOCKS, 0)
        os.fsync(number)
        for write in range(_WRITES):
            os.pwrite(number, _BLOCK, write % _BLOCKS * len(_BLOCK))
            start = time.perf_counter()
            os.fdatasync(number)
            seconds.append(time.perf_counter() - start)
    return seconds
