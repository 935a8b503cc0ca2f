"""Runs the authority as a child process, with the embedded database of a folder."""

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hushpost_demo.child_process import Child, running_child
from hushpost_demo.errors import DemoError

__all__ = ["RunningAuthority", "running_authority"]

_START_SECONDS = 60
_LISTENING = b"listening on "


@dataclass(frozen=True, slots=True)
class RunningAuthority:
    """A running authority and its gRPC address."""

    address: str
    child: Child


@asynccontextmanager
async def running_authority(
    command: Path, data_dir: Path, listen: str, *options: str
) -> AsyncIterator[RunningAuthority]:
    """Run `hushpost serve` until the block ends.

    Raises:
        DemoError: It does not start.
    """
    serve: list[str | Path] = [
        *(command, "serve", "--listen", listen, "--data-dir", data_dir, "--shutdown-seconds", "5"),
        *options,
    ]
    async with running_child(serve, data_dir / "authority.log", stdout=PIPE) as child:
        yield RunningAuthority(await _address(child), child)


async def _address(child: Child) -> str:
    """Wait until the authority prints its address."""
    if child.process.stdout is None:
        raise AssertionError
    try:
        line = await asyncio.wait_for(child.process.stdout.readline(), _START_SECONDS)
    except TimeoutError:
        line = b""
    if line.startswith(_LISTENING):
        return line.removeprefix(_LISTENING).decode().strip()
    raise DemoError(f"the authority did not start: {child.last_log_line()} (see {child.log})")
