"""Starts `hushpost` as a fork of a process that has imported its modules."""

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

__all__ = ["HUSHPOST", "ForkedProcess", "start"]

HUSHPOST = Path(sys.executable).with_name("hushpost")

_READ_EARLY = ("PYTHON", "LD_", "GRPC_")
"""Prefixes of the variables that are read when an interpreter or a library starts."""


class ForkedProcess:
    """A process that runs `hushpost`, with the methods of `subprocess.Popen` that tests use.

    It has the arguments, environment, working directory and standard streams of a new process,
    but does not spend a second on imports.

    Args:
        arguments: Those of the command.
        environment: All environment variables.
        cwd: The working directory.
        streams: File descriptors of standard input, output and error.
    """

    def __init__(
        self,
        arguments: Sequence[str | Path],
        environment: Mapping[str, str],
        cwd: Path,
        streams: tuple[int, int, int],
    ) -> None:
        self.returncode: int | None = None
        self._status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {
            "arguments": [str(argument) for argument in arguments],
            "environment": dict(environment),
            "cwd": str(cwd),
        }
        with theirs:
            socket.send_fds(
                _fork_server(), [json.dumps(request).encode()], [*streams, theirs.fileno()]
            )
        pid = self._status.recv(100)
        assert pid, "the fork server has ended; see the captured standard error"
        self.pid = int(pid)

    def poll(self) -> int | None:
        """Return the exit code, or None while the process runs."""
        if self.returncode is None:
            self._status.setblocking(False)  # noqa: FBT003
            try:
                self._read_status()
            except BlockingIOError:
                return None
        return self.returncode

    def wait(self, seconds: float | None = None) -> int:
        """Wait until the process has ended, and return its exit code."""
        if self.returncode is None:
            self._status.settimeout(seconds)
            try:
                self._read_status()
            except TimeoutError:
                raise subprocess.TimeoutExpired("hushpost", seconds or 0) from None
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            # The fork server may have reaped the process and not have reported it yet.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process."""
        self.send_signal(signal.SIGKILL)

    def _read_status(self) -> None:
        self.returncode = int(self._status.recv(100))
        self._status.close()


def start(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    streams: tuple[int, int, int],
    cwd: Path | None = None,
) -> ForkedProcess | subprocess.Popen[bytes]:
    """Start a command: `hushpost` as a fork, unless a variable requires a new interpreter."""
    program, *arguments = command
    if str(program) == str(HUSHPOST) and _early(environment) == _early(os.environ):
        return ForkedProcess(arguments, environment, cwd or Path.cwd(), streams)
    given, out, err = streams
    return subprocess.Popen(command, env=environment, cwd=cwd, stdin=given, stdout=out, stderr=err)


def _early(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_EARLY)}


@cache
def _fork_server() -> socket.socket:
    """Start the process that forks; it ends with this one."""
    requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = Path(__file__).with_name("fork_server.py")
    environment = {name: value for name, value in os.environ.items() if "HUSHPOST" not in name}
    with theirs:
        server = subprocess.Popen(
            # -P: modules of this folder must not hide those of libraries.
            [sys.executable, "-P", program, str(theirs.fileno())],
            # Threads of OpenBLAS would not be in the forks.
            env={**environment, "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        requests.close()
        server.wait()

    atexit.register(end)
    return requests
