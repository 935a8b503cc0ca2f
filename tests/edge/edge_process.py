"""Starts `hushpost edge` as a process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from hushpost_edge.spool_files import waiting_events
from hushpost_edge.spooled_event import RECORD_BYTES
from tests.authority import HUSHPOST
from tests.free_port import free_port
from tests.http_process import HttpProcess
from tests.limited_disk import LimitedDisk

_SUM = """
import glob, sqlite3, sys
files, query = sys.argv[1:]
print(sum(sqlite3.connect(file).execute(query).fetchone()[0] or 0 for file in glob.glob(files)))
"""


class EdgeProcess(HttpProcess):
    """A `hushpost edge`, which stops without a drain unless an option says otherwise.

    Attributes:
        data_dir: Its data directory, as the test sees it; it can be on a disk of its own.
    """

    def __init__(
        self,
        folder: Path,
        authority: str,
        api_key: str,
        *options: str,
        path: str = "/readyz",
        environment: dict[str, str] | None = None,
        disk: LimitedDisk | None = None,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._disk = disk
        self._own_data_dir = (folder if disk is None else disk.folder) / "data"
        self.data_dir = self._own_data_dir if disk is None else disk.outside(self._own_data_dir)
        key_file = folder / "key"
        key_file.touch(0o600)
        key_file.write_text(api_key)
        port = free_port()
        command = [
            *([] if disk is None else disk.enter),
            str(HUSHPOST),
            "edge",
            f"--listen=127.0.0.1:{port}",
            f"--authority={authority}",
            f"--api-key-file={key_file}",
            f"--data-dir={self._own_data_dir}",
            "--drain-seconds=0",
            *options,
        ]
        super().__init__(
            command, port, folder / "edge.log", {**os.environ, **(environment or {})}, path
        )

    def kill_workers(self) -> None:
        """Kill all workers; the main process starts new ones."""
        for worker in self.workers():
            os.kill(worker, signal.SIGKILL)

    def waiting_events(self) -> int:
        """Return how many events are in the spool files and have not been shipped."""
        if self._disk is None:
            return waiting_events(self.data_dir / "spool")
        query = f"select sum(length(events) / {RECORD_BYTES}) from arrivals"  # noqa: S608 - a number
        return self._sum("spool/*.sqlite", query)

    def stored_links(self) -> int:
        """Return how many links it has stored."""
        return self._sum("links.sqlite", "select count(*) from links")

    def _sum(self, files: str, query: str) -> int:
        """Return the sum of what a query returns in each file, on the edge's disk."""
        enter = [] if self._disk is None else self._disk.enter
        command = [
            *enter,
            sys.executable,
            "-IS",
            "-c",
            _SUM,
            f"{self._own_data_dir}/{files}",
            query,
        ]
        return int(subprocess.check_output(command))
