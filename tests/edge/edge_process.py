"""Starts `hushpost edge` as a process."""

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from hushpost_edge.spool_files import waiting_events
from tests.authority import HUSHPOST
from tests.http_process import HttpProcess, free_port


class EdgeProcess(HttpProcess):
    """A `hushpost edge`, which stops without a drain unless an option says otherwise."""

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
        folder.mkdir(parents=True, exist_ok=True)
        key_file = folder / "key"
        key_file.touch(0o600)
        key_file.write_text(api_key)
        port = free_port()
        command = [
            str(HUSHPOST),
            "edge",
            f"--listen=127.0.0.1:{port}",
            f"--authority={authority}",
            f"--api-key-file={key_file}",
            f"--data-dir={self.data_dir}",
            "--drain-seconds=0",
            *options,
        ]
        super().__init__(
            command, port, folder / "edge.log", {**os.environ, **(environment or {})}, path
        )

    @property
    def data_dir(self) -> Path:
        """The data directory of the edge."""
        return self.folder / "data"

    def kill_workers(self) -> None:
        """Kill all workers; the main process starts new ones."""
        for worker in self.workers():
            os.kill(worker, signal.SIGKILL)

    def waiting_events(self) -> int:
        """Return how many events are in the spool files and have not been shipped."""
        return waiting_events(self.data_dir / "spool")


def count_rows(file: Path, table: str) -> int:
    """Return the number of rows of a table in a SQLite file."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        count: int = database.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608 - a constant
        return count
