"""A process that leaks on purpose: a soak that does not report it proves nothing."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["LeakingProcess", "leaking_process"]

_PROGRAM = """
import sys
kept = []
for _ in sys.stdin:
    kept.append(bytearray(b"x") * (4 << 20))
    print(flush=True)
"""


class LeakingProcess:
    """A process that keeps four more MiB at each request."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def leak(self) -> None:
        """Let it leak once, and wait until it has."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self._process.stdout.readline()


@contextmanager
def leaking_process() -> Iterator[LeakingProcess]:
    """Start the process; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield LeakingProcess(process)
    finally:
        process.communicate()
