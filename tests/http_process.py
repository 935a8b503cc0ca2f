"""Starts commands that serve HTTP as processes."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from tests.forked_process import ForkedProcess, start

START_SECONDS = 30
STOP_SECONDS = 30
STANDARD_OUTPUT = 1


class HttpProcess:
    """A process that serves HTTP, which tests can start, stop and kill repeatedly.

    Use it as a context manager, which ends the process.

    Args:
        command: The command and its options.
        port: The port that it listens on.
        log_file: The standard error of all runs.
        environment: All environment variables.
        path: The endpoint that returns 200 once the process has started.
    """

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        log_file: Path,
        environment: Mapping[str, str],
        path: str,
    ) -> None:
        self.port = port
        self.log_file = log_file
        self._command = command
        self._environment = environment
        self._path = path
        self._process: ForkedProcess | subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def process(self) -> ForkedProcess | subprocess.Popen[bytes]:
        """The main process."""
        assert self._process is not None
        return self._process

    def start(self) -> Self:
        """Start the process and wait until it is ready."""
        if self._log is not None:  # of a process that ended by itself
            self._log.close()
        self._log = self.log_file.open("ab")
        with Path(os.devnull).open() as nothing:
            streams = nothing.fileno(), STANDARD_OUTPUT, self._log.fileno()
            self._process = start(self._command, self._environment, streams)
        self.wait()
        return self

    def wait(self) -> None:
        """Wait until the process is ready."""
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(
                    f"{self._command[1]} does not get ready: {self.log_file.read_text()[-3000:]}"
                )
            time.sleep(0.05)

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait_for_end()

    def kill(self) -> None:
        """Kill the main process and wait until its workers have stopped."""
        if self.process.poll() is not None:
            return
        workers = self.workers()
        self.process.kill()
        self.wait_for_end()
        deadline = time.monotonic() + STOP_SECONDS
        while any(Path(f"/proc/{worker}").exists() for worker in workers):
            assert time.monotonic() < deadline, "a worker outlives the main process"
            time.sleep(0.01)

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        pids = [int(pid) for file in children for pid in file.read_text().split()]
        return [pid for pid in pids if b"spawn_main" in _command_line(pid)]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()

    def wait_for_end(self) -> int:
        """Wait until the main process has ended, and return its exit code."""
        assert self._log is not None
        code = self.process.wait(STOP_SECONDS)
        self._log.close()
        return code

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                connection.sendall(f"GET {self._path} HTTP/1.0\r\n\r\n".encode())
                return connection.recv(64).split(b" ")[1:2] == [b"200"]
        except OSError:
            return False


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
