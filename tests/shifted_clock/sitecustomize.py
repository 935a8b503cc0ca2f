"""Shifts the wall clock of a Python process; Python imports this at its start.

A file contains the shift, so that a test can change it while the process runs. The monotonic
clock is not shifted: it stays right when the wall clock of a machine is wrong.
"""

import datetime as dt
import mmap
import os
import struct
import time
from pathlib import Path
from typing import Self

_SECONDS = struct.Struct("d")
_time, _time_ns = time.time, time.time_ns

with Path(os.environ["SHIFTED_CLOCK_FILE"]).open("rb") as _file:
    _shift = mmap.mmap(_file.fileno(), _SECONDS.size, prot=mmap.PROT_READ)


class _Datetime(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Self:
        """Return the shifted time."""
        return cls.fromtimestamp(time.time(), tz)


def _seconds() -> float:
    seconds: float = _SECONDS.unpack(_shift)[0]
    return seconds


time.time = lambda: _time() + _seconds()
time.time_ns = lambda: _time_ns() + int(_seconds() * 1e9)
dt.datetime = _Datetime  # type: ignore[misc]
