"""Runs PgBouncer, if it is installed, with the configuration of the guide."""

import asyncio
import os
import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.faults.simulator.postgres_process import (
    as_system_user,
    let_others_enter,
    system_user,
)
from tests.free_port import free_port

__all__ = ["PgBouncer", "documented_configuration", "needs_pgbouncer"]

_PAGE = Path(__file__).parents[1] / "docs/how-to/run-the-authority.md"
# Debian's is in a folder that is not in the PATH of all users.
_PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
_PASSWORD = "secret-of-hushpost"
_START_SECONDS = 30

needs_pgbouncer = pytest.mark.skipif(_PROGRAM is None, reason="PgBouncer is not installed")
"""Skips a test on machines without PgBouncer."""


def documented_configuration() -> ConfigParser:
    """Return the `pgbouncer.ini` of the guide."""
    (block,) = re.findall(r"```ini\n(\[databases\].*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
    configuration = ConfigParser(interpolation=None)
    configuration.read_string(block)
    return configuration


class PgBouncer:
    """PgBouncer before the database `hushpost` of a server on the loopback interface.

    Its configuration differs from that of the guide in addresses, files and some settings.

    Args:
        folder: An empty folder for the configuration and the log.
        server_port: The port of the server.
        settings: Settings that differ. The guide must have them.
    """

    def __init__(self, folder: Path, server_port: int, **settings: str) -> None:
        self._folder = folder
        self._log = folder / "pgbouncer.log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        configuration = documented_configuration()
        assert configuration["databases"].keys() == {"hushpost"}
        configuration["databases"]["hushpost"] = (
            f"host=127.0.0.1 port={server_port} dbname=hushpost"
        )
        changed = {
            "listen_port": str(self._port),
            "unix_socket_dir": "",
            "auth_file": str(folder / "userlist.txt"),
            **settings,
        }
        assert configuration["pgbouncer"].keys() >= changed.keys()
        configuration["pgbouncer"].update(changed)
        with (folder / "pgbouncer.ini").open("w") as file:
            configuration.write(file)
        (folder / "userlist.txt").write_text(f'"hushpost" "{_PASSWORD}"\n')
        let_others_enter(folder)
        if (user := system_user()) is not None:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, user)

    @property
    def url(self) -> str:
        """The address of the database behind it, as in the guide."""
        return f"postgresql://hushpost:{_PASSWORD}@127.0.0.1:{self._port}/hushpost"

    async def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        process = self._process = self._spawned()
        async with asyncio.timeout(_START_SECONDS):
            while not await self._accepts():
                assert process.poll() is None, self._log.read_text()[-2000:]
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """Kill it, as systemd does with one that does not stop in time."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _spawned(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [*as_system_user(), str(_PROGRAM), self._folder / "pgbouncer.ini"],
                stdout=log,
                stderr=log,
                cwd="/",
            )

    async def _accepts(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        writer.close()
        return True
