"""Stops a server of the cluster as a crash does, and starts it again."""

import asyncio
import os
import pwd
import shlex
import struct
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.inspection import on

__all__ = ["LocalServer", "local_server"]

_SERVER = """
select current_setting('data_directory') as folder,
    (select setting from pg_config where name = 'BINDIR') as programs,
    (select system_identifier from pg_control_system()) as identifier
"""

_IDENTIFIER = struct.Struct("=q")
"""The beginning of pg_control."""

_SECONDS = 60


@dataclass(frozen=True)
class LocalServer:
    """A PostgreSQL server on this machine, which this user may stop and start.

    Attributes:
        folder: Its data folder.
        programs: The folder of its programs.
        user: The user whom the folder belongs to.
        options: The options that it was started with, as one argument of pg_ctl.
        log: The file that its standard error goes to.
    """

    folder: Path
    programs: Path
    user: str
    options: str
    log: Path

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """Keep the server stopped for the duration of the block."""
        try:
            await asyncio.to_thread(self._control, "stop", "--mode", "immediate")
            yield
        finally:
            # Without a thread, because it must also run if the test is cancelled.
            self._control("start", "--options", self.options, "--log", str(self.log))

    def _control(self, *arguments: str) -> None:
        command = [str(self.programs / "pg_ctl"), *arguments, "--pgdata", str(self.folder)]
        if self.user != _user():
            command = ["runuser", "--user", self.user, "--", *command]
        done = subprocess.run(
            [*command, "--wait", "--timeout", str(_SECONDS)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=2 * _SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()


async def local_server(address: str) -> LocalServer:
    """Return a server; skip the test if it is on another machine, or this user may not start it."""
    async with on(address) as connection:
        row = await connection.fetchrow(_SERVER)
    assert row is not None
    return _found(Path(row["folder"]), Path(row["programs"]), row["identifier"])


def _found(folder: Path, programs: Path, identifier: int) -> LocalServer:
    try:
        pid, *_ = (folder / "postmaster.pid").read_text().splitlines()
        (found,) = _IDENTIFIER.unpack_from((folder / "global/pg_control").read_bytes())
        _, *options = shlex.split((folder / "postmaster.opts").read_text())
        user = folder.owner()
    except OSError:
        pytest.skip("the workers are not on this machine, or belong to another user")
    # Another machine may have the same folder.
    if found != identifier:
        pytest.skip("the workers are not on this machine")
    if user != _user() and os.geteuid() != 0:
        pytest.skip(f"only root or {user} may stop and start the workers")
    output = Path(f"/proc/{pid}/fd/2").resolve()
    log = output if output.is_file() else Path(os.devnull)
    return LocalServer(folder, programs, user, shlex.join(_without_folder(options)), log)


def _without_folder(options: list[str]) -> list[str]:
    """Return options without the data folder, which may be relative to another folder."""
    if "-D" not in options:
        return options
    place = options.index("-D")
    return options[:place] + options[place + 2 :]


def _user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
