"""Child processes of which nothing is left running, however the demo ends."""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hushpost_demo.failure import DemoError

__all__ = ["Child", "clean_environment", "running_child", "while_running"]

Result = TypeVar("Result")

_STOP_SECONDS = 40

# Holds the other end of a pipe: when the demo is gone, however that came
# about, it reads the end of the file and ends the child.
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


@dataclass(frozen=True, slots=True)
class Child:
    """A process that writes standard error to a log, behind what was there before."""

    process: Process
    log: Path
    _log_start: int

    def last_words(self) -> str:
        """Return the last line that it has written to its log."""
        with self.log.open("rb") as text:
            text.seek(self._log_start)
            said = text.read().decode(errors="replace").split("\n")
        return next((line for line in reversed(said) if line.strip()), "it says nothing")


@asynccontextmanager
async def running_child(
    command: Sequence[str | Path], log: Path, *, stdout: int = DEVNULL
) -> AsyncIterator[Child]:
    """Run a command, and end it with SIGTERM when the block is left."""
    with log.open("ab") as errors:
        start = errors.tell()
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=stdout,
            stderr=errors,
            env=clean_environment(),
            # Ctrl-C is for the demo, which ends its children when it is done with them.
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
            yield Child(process, log, start)
        finally:
            await _stop(process)
            leash.kill()
            await leash.wait()
    finally:
        await _stop(process)


async def while_running(work: Coroutine[Any, Any, Result], **children: Child) -> Result:
    """Do some work that needs all children, which are given by name.

    Raises:
        DemoError: if one of them ends first.
    """
    task = asyncio.create_task(work)
    ends = {name: asyncio.create_task(child.process.wait()) for name, child in children.items()}
    try:
        await asyncio.wait({task, *ends.values()}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        name = next(name for name, end in ends.items() if end.done())
        child = children[name]
        raise DemoError(f"the {name} has ended: {child.last_words()} (see {child.log})")
    finally:
        for unfinished in (task, *ends.values()):
            unfinished.cancel()
        # What is cancelled tidies up, and its failing is no news.
        await asyncio.gather(task, *ends.values(), return_exceptions=True)


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
