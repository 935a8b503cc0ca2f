"""Ends the processes of a simulation, even if the test process is killed.

All processes of a simulation inherit an environment variable, `MARK`, or run in its folder
(PostgreSQL overwrites its environment). The watchdog is a process that reads from a pipe
held by the test. When the test ends, for any reason, it reads end-of-file and kills them.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["MARK", "marked_processes", "watched"]

MARK = "TEST_SIMULATION"
END_SECONDS = 20


def marked_processes(folder: Path) -> list[int]:
    """Return the process ids of a simulation, except zombies and its watchdog."""
    mark = f"{MARK}={folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"watchdog.py" in (process / "cmdline").read_bytes():
                continue
            is_marked = mark in (process / "environ").read_bytes().split(b"\0")
            if is_marked or (process / "cwd").readlink().is_relative_to(folder):
                found.append(int(process.name))
    return found


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Mark all processes that the block starts; after it, none of them may be left."""
    os.environ[MARK] = str(folder)
    watchdog = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, folder],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield
        deadline = time.monotonic() + END_SECONDS
        while left := marked_processes(folder):
            assert time.monotonic() < deadline, f"processes are left: {_command_lines(left)}"
            time.sleep(0.02)
    finally:
        del os.environ[MARK]
        watchdog.communicate()


def _command_lines(pids: list[int]) -> list[str]:
    return [Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ") for pid in pids]


def _kill_all(folder: Path) -> None:
    # A killed process may have been about to start another one.
    while found := marked_processes(folder):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    _kill_all(Path(sys.argv[1]))
