"""One worker process, and what it gets from the main process.

A worker reads its settings from the environment. Its standard input is a pipe that the main process
keeps open, so that it stops when the main process dies. It prints its address, like
`hushpost serve`, when it accepts calls.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress

from pydantic import SecretStr

from hushpost_runtime.addresses import host_and_port
from hushpost_runtime.settings import environment_variable
from hushpost_service.settings import Settings

__all__ = ["WorkerProcess", "settings_of_worker", "stop_with_main_process"]

_MODULE = "hushpost_service.cli.worker"


class WorkerProcess:
    """A worker that can be started again after it has ended."""

    def __init__(self, settings: Settings) -> None:
        """Prepare a worker with these settings."""
        self._environment = _environment_of(settings)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> bool:
        """Start the process; return whether it accepts calls, once it does or has ended."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", _MODULE),
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        return bool(await self._process.stdout.readline())

    async def wait(self) -> int:
        """Return the exit code after the process has ended."""
        return 0 if self._process is None else await self._process.wait()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


def _environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment in which a process reads the same settings."""
    environment = dict(os.environ)
    for name in Settings.model_fields:
        value = getattr(settings, name)
        variable = environment_variable(Settings, name)
        environment.pop(variable, None)
        if value is not None:
            secret = isinstance(value, SecretStr)
            environment[variable] = value.get_secret_value() if secret else str(value)
    return environment


def settings_of_worker(
    settings: Settings, number: int, dsn: str, addresses: Mapping[str, str]
) -> Settings:
    """Return the settings of a worker: the shared addresses, and its own one for metrics.

    Args:
        settings: The settings of all workers.
        number: The number of the worker, from 0.
        dsn: The address of the migrated database.
        addresses: The reserved addresses by the name of the setting.
    """
    changes: dict[str, object] = {
        **addresses,
        "workers": 1,
        "database_url": SecretStr(dsn),
        "migrate": False,
    }
    if settings.metrics_listen is not None:
        host, port = host_and_port(settings.metrics_listen)
        changes["metrics_listen"] = f"{host}:{port + number if port else 0}"
    return settings.model_copy(update=changes)


def stop_with_main_process() -> None:
    """Stop this worker gracefully when the main process has ended. Call it in the event loop."""
    loop = asyncio.get_running_loop()
    standard_input = sys.stdin.fileno()

    def on_end() -> None:
        loop.remove_reader(standard_input)
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(standard_input, on_end)
