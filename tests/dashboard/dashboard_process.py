"""Starts `hushpost dashboard` as a process."""

import os
from pathlib import Path

from tests.authority import HUSHPOST
from tests.free_port import free_port
from tests.http_process import HttpProcess


class DashboardProcess(HttpProcess):
    """A `hushpost dashboard`, which stops without a drain unless an option says otherwise."""

    def __init__(self, folder: Path, authority: str, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        command = [
            str(HUSHPOST),
            "dashboard",
            f"--listen=127.0.0.1:{port}",
            f"--authority={authority}",
            "--drain-seconds=0",
            *options,
        ]
        super().__init__(command, port, folder / "dashboard.log", os.environ, "/healthz")
