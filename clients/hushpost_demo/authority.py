"""The authority as a child process, on the embedded database of a folder."""

import asyncio
import errno
import os
import socket
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hushpost_demo.failure import DemoError

__all__ = ["RunningAuthority", "check_address", "clean_environment", "running_authority"]

_START_SECONDS = 60
_STOP_SECONDS = 40
_LISTENING = b"listening on "

# Holds the other end of a pipe: when the demo is gone, however that came
# about, it reads the end of the file and ends the authority.
_LEASH = 'read -r _ || kill "$1"'


def clean_environment() -> dict[str, str]:
    """Return the environment without settings of Hushpost.

    Whoever runs an authority on this machine shall not find the demo's contacts
    in its database.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("HUSHPOST_")
    }


def check_address(listen: str) -> None:
    """Make sure that `host:port` can be listened on. Raises DemoError."""
    host, _, port = listen.rpartition(":")
    if not (host and port.isdecimal()):
        raise DemoError(f"--listen {listen}: not of the form host:port")
    family = socket.AF_INET6 if "[" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            # As the authority has it: a port that was in use a moment ago is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), int(port)))
            probe.listen()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise DemoError(
                f"{listen} is taken: another program listens there. Choose another address "
                "with --listen; 127.0.0.1:0 takes a free port"
            ) from error
        raise DemoError(f"can't listen on {listen}: {error.strerror}") from error
    except OverflowError as error:
        raise DemoError(f"--listen {listen}: there is no such port") from error


@dataclass(frozen=True, slots=True)
class RunningAuthority:
    """An authority that listens on an address and writes a log."""

    address: str
    log: Path
    _process: Process

    async def ended(self) -> None:
        """Return when it has ended."""
        await self._process.wait()


@asynccontextmanager
async def running_authority(
    command: Path, data_dir: Path, listen: str
) -> AsyncIterator[RunningAuthority]:
    """Run `hushpost serve`, and leave nothing of it running.

    Raises:
        DemoError: if it does not start.
    """
    log = data_dir / "authority.log"
    with log.open("ab") as errors:
        start = errors.tell()
        process = await asyncio.create_subprocess_exec(
            command,
            *("serve", "--listen", listen, "--data-dir", data_dir, "--drain-seconds", "5"),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=errors,
            env=clean_environment(),
            # Ctrl-C is for the demo, which ends the authority when it is done with it.
            start_new_session=True,
        )
    try:
        leash = await asyncio.create_subprocess_exec(
            *("sh", "-c", _LEASH, "leash", str(process.pid)),
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=DEVNULL,
            start_new_session=True,
        )
        try:
            yield RunningAuthority(await _address(process, log, start), log, process)
        finally:
            await _stop(process)
            leash.kill()
            await leash.wait()
    finally:
        await _stop(process)


async def _address(process: Process, log: Path, start: int) -> str:
    """Wait until the authority says where it listens."""
    if process.stdout is None:
        raise AssertionError
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_SECONDS)
    except TimeoutError:
        line = b""
    if line.startswith(_LISTENING):
        return line.removeprefix(_LISTENING).decode().strip()
    with log.open("rb") as text:
        text.seek(start)
        said = text.read().decode(errors="replace").split("\n")
    reason = next((line for line in reversed(said) if line.strip()), "it says nothing")
    raise DemoError(f"the authority does not start: {reason} (see {log})")


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
