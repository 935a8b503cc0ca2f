"""Shifts the wall clock of a Python process; Python imports this at its start.

The monotonic clock is not shifted: it stays right when the wall clock of a machine is wrong.
"""

import datetime as dt
import os
import time
from typing import Self

_SECONDS = float(os.environ["SHIFTED_CLOCK_SECONDS"])
_time, _time_ns = time.time, time.time_ns


class _Datetime(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Self:
        """Return the shifted time."""
        return cls.fromtimestamp(time.time(), tz)


time.time = lambda: _time() + _SECONDS
time.time_ns = lambda: _time_ns() + int(_SECONDS * 1e9)
dt.datetime = _Datetime  # type: ignore[misc]
