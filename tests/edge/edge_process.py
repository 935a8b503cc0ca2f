"""Starts `hushpost edge` as a process."""

import os
import signal
import socket
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import IO, Self

from hushpost_edge.spool_files import waiting_events
from tests.authority import HUSHPOST

START_SECONDS = 30
STOP_SECONDS = 30


class EdgeProcess:
    """A `hushpost edge` that tests can start, stop and kill repeatedly.

    Use it as a context manager, which ends the process. `path` is the endpoint that
    returns 200 once the edge has started.
    """

    def __init__(
        self,
        folder: Path,
        authority: str,
        api_key: str,
        *options: str,
        path: str = "/readyz",
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.port = _free_port()
        self._path = path
        self._environment = {**os.environ, **(environment or {})}
        folder.mkdir(parents=True, exist_ok=True)
        key_file = folder / "key"
        key_file.touch(0o600)
        key_file.write_text(api_key)
        self._command = [
            str(HUSHPOST),
            "edge",
            f"--listen=127.0.0.1:{self.port}",
            f"--authority={authority}",
            f"--api-key-file={key_file}",
            f"--data-dir={self.data_dir}",
            *options,
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def data_dir(self) -> Path:
        """The data directory of the edge."""
        return self.folder / "data"

    @property
    def log_file(self) -> Path:
        """The standard error of all runs of the edge."""
        return self.folder / "edge.log"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The main process."""
        assert self._process is not None
        return self._process

    def start(self) -> Self:
        """Start the edge and wait until it is ready."""
        if self._log is not None:  # of a process that ended by itself
            self._log.close()
        self._log = self.log_file.open("ab")
        self._process = subprocess.Popen(self._command, stderr=self._log, env=self._environment)
        self.wait()
        return self

    def wait(self) -> None:
        """Wait until the edge is ready."""
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(
                    f"the edge does not get ready: {self.log_file.read_text()[-3000:]}"
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

    def kill_workers(self) -> None:
        """Kill all workers; the main process starts new ones."""
        for worker in self.workers():
            os.kill(worker, signal.SIGKILL)

    def waiting_events(self) -> int:
        """Return how many events are in the spool files and have not been shipped."""
        return waiting_events(self.data_dir / "spool")

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


def count_rows(file: Path, table: str) -> int:
    """Return the number of rows of a table in a SQLite file."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        count: int = database.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608 - a constant
        return count


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
