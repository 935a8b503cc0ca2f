"""Runs a program that serves HTTP, until a test ends."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from hushpost_demo.addresses import with_port

__all__ = ["free_address", "running_server"]

START_SECONDS = 60
STOP_SECONDS = 30
POLL_SECONDS = 0.05


def free_address() -> str:
    """Return a `host:port` that no program listens on."""
    return with_port("127.0.0.1:0", "--listen")


@contextmanager
def running_server(
    command: Sequence[str | Path],
    address: str,
    log: Path,
    *,
    path: str = "/",
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[str]:
    """Run a command that listens on an address; yield the URL once its `path` returns 200."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            cwd=folder,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _responds(address, path):
            running = process.poll() is None and time.monotonic() < deadline
            assert running, f"{command[0]} does not start: {log.read_text()[-3000:]}"
            time.sleep(POLL_SECONDS)
        yield f"http://{address}"
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _responds(address: str, path: str) -> bool:
    connection = HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
