"""Runs `hushpost serve` as a process with an embedded database."""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import IO, Self

import pytest

from tests import citus_database
from tests.forked_process import HUSHPOST, ForkedProcess, start

__all__ = ["HUSHPOST", "AuthorityProcess"]

START_SECONDS = 60
STOP_SECONDS = 30


class AuthorityProcess:
    """A `hushpost serve` process that tests start, stop, kill and restart.

    Policies may release exact counts, which tests compare with what they did.
    Use it as a context manager: whatever happens, neither the process nor its
    database is left behind. If its data folder does not exist, it starts with a copy of
    one that has a migrated database and an ADMIN key.

    Args:
        folder: The folder of the data and the log.
        options: Further options of the command.
        environment: Variables that are added to the environment.
        first_start: Start without data, as a new installation does.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        environment: dict[str, str] | None = None,
        first_start: bool = False,
    ) -> None:
        self.folder = folder
        self.target = ""
        self._options = options
        self._environment = {
            "HUSHPOST_ALLOW_EXACT": "true",
            # Tests that measure the time of opt-outs set it; all others save the waiting.
            "HUSHPOST_OPT_OUT_STEP_SECONDS": "0",
            # Nothing listens there: tests send no queries to the DNS servers of the machine.
            "HUSHPOST_DNS_SERVER": "127.0.0.1:1",
            **os.environ,
            # A killed process cannot remove its temporary files.
            "TMPDIR": _temporary_folder(),
            **(environment or {}),
        }
        self._is_on_citus = (
            citus_database.is_on_citus() and "HUSHPOST_DATABASE_URL" not in self._environment
        )
        self._needs_data = (
            not first_start
            and not self._is_on_citus
            and "HUSHPOST_DATABASE_URL" not in self._environment
        )
        self._unused_admin_key: str | None = None
        self._process: ForkedProcess | subprocess.Popen[bytes] | None = None
        self._log: IO[str] | None = None
        self._out: IO[str] | None = None

    @property
    def data_dir(self) -> Path:
        """The folder of the keyring and the embedded database."""
        return self.folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables, for further commands that use the same database."""
        return dict(self._environment)

    @property
    def log_file(self) -> Path:
        """The log: standard error of the process across restarts."""
        return self.folder / "serve.log"

    @property
    def process(self) -> ForkedProcess | subprocess.Popen[bytes]:
        """The process."""
        assert self._process is not None
        return self._process

    def start(self) -> Self:
        """Start on the previous port, or on a free one, and wait until the process listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._is_on_citus:
            self._environment["HUSHPOST_DATABASE_URL"] = citus_database.create_database(
                self.data_dir
            )
        if self._needs_data and not self.data_dir.exists():
            template, self._unused_admin_key = _template()
            # Keeps owners and modes: for root, the database belongs to another user.
            subprocess.run(["cp", "-Rp", template, self.data_dir], check=True)  # noqa: S607
        self._log = self.log_file.open("a")
        reading, writing = os.pipe()
        self._out = os.fdopen(reading)
        with Path(os.devnull).open() as nothing, os.fdopen(writing, "w") as out:
            self._process = start(
                [
                    *(HUSHPOST, "serve", "--listen", self.target or "127.0.0.1:0"),
                    *("--data-dir", str(self.data_dir), *self._options),
                ],
                self._environment,
                (nothing.fileno(), out.fileno(), self._log.fileno()),
            )
        line = self._out.readline()
        if not line.startswith("listening on "):
            self.kill()
            raise AssertionError(
                f"the authority did not start: {self.log_file.read_text()[-2000:]}"
            )
        self.target = line.removeprefix("listening on ").strip()
        return self

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._wait()

    def kill(self) -> None:
        """Kill the process; its database keeps running."""
        self.process.kill()
        self._wait()

    def admin_key(self, *options: str) -> str:
        """Return a new ADMIN key of the installation."""
        if self._unused_admin_key is not None and not options:
            key, self._unused_admin_key = self._unused_admin_key, None
            return key
        return _new_admin_key(self.data_dir, *options, environment=self._environment)

    def postgres_pid(self) -> int | None:
        """Return the process id of the embedded database; None if it does not run."""
        if self._is_on_citus:
            pytest.skip("needs a database server of its own")
        file = self.data_dir / "postgres" / "postmaster.pid"
        if not file.exists():
            return None
        pid = int(file.read_text().split()[0])
        return pid if _is_running(pid) else None

    def end_postgres(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the embedded database: SIGINT for a fast shutdown, SIGKILL for a crash."""
        pid = self.postgres_pid()
        if pid is None:
            return
        os.kill(pid, how)
        deadline = time.monotonic() + STOP_SECONDS
        while _is_running(pid):
            assert time.monotonic() < deadline, "the database does not end"
            time.sleep(0.01)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            # A test that is interrupted here may have a database that has not started completely;
            # only the process can stop it.
            if self._process is not None and self._process.poll() is None:
                self.stop()
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()  # stopping takes longer; tests of that call `stop`
        if self._is_on_citus:
            citus_database.drop_database(self.data_dir)
        else:
            self.end_postgres(signal.SIGQUIT)  # at once, without a checkpoint

    def _wait(self) -> int:
        assert self._log is not None
        code = self.process.wait(STOP_SECONDS)
        assert self._out is not None
        self._out.close()
        self._log.close()
        return code


@cache
def _temporary_folder() -> str:
    """Create a folder for temporary files of authorities. Its name is short enough for sockets."""
    folder = tempfile.mkdtemp(prefix="hushpost-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _template() -> tuple[Path, str]:
    """Create a data folder with a migrated database and an ADMIN key; return both.

    Copying it is much faster than initdb, the migrations and the command that creates a key.
    """
    folder = Path(tempfile.mkdtemp(prefix="hushpost-test-data-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    environment = {**os.environ}
    environment.pop("HUSHPOST_DATABASE_URL", None)
    data_dir = folder / "data"
    return data_dir, _new_admin_key(data_dir, environment=environment)


def _new_admin_key(data_dir: Path, *options: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [HUSHPOST, "admin-key", "--data-dir", data_dir, *options],
        capture_output=True,
        text=True,
        check=True,
        timeout=START_SECONDS,
        env=environment,
    )
    return done.stdout.strip()


def _is_running(pid: int) -> bool:
    try:
        # A zombie has ended, even if its parent has not reaped it.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
