"""Child processes that end with the demo, even if the demo is killed."""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hushpost_demo.errors import DemoError

__all__ = ["Child", "clean_environment", "running_child", "while_running"]

Result = TypeVar("Result")

_STOP_SECONDS = 40

# A watchdog process that reads from a pipe held by the demo. When the demo ends, for any
# reason, the watchdog reads end-of-file and terminates the child. It repeats SIGTERM, because
# Granian loses a signal that arrives while it replaces a worker.
_WATCHDOG = """
read -r _ && exit
for _ in 1 2 3 4 5 6 7 8; do
    kill "$1" || exit
    sleep 5
done
kill -KILL "$1"
"""


def clean_environment() -> dict[str, str]:
    """Return the environment without HUSHPOST_* variables.

    They may configure a real authority, whose database the demo must not touch.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("HUSHPOST_")
    }


@dataclass(frozen=True, slots=True)
class Child:
    """A child process that appends its standard error to a log."""

    process: Process
    log: Path
    _log_start: int

    def last_log_line(self) -> str:
        """Return the last line that this process has logged."""
        with self.log.open("rb") as text:
            text.seek(self._log_start)
            lines = text.read().decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "no log output")


@asynccontextmanager
async def running_child(
    command: Sequence[str | Path], log: Path, *, stdout: int = DEVNULL
) -> AsyncIterator[Child]:
    """Run a command; terminate it with SIGTERM when the block ends."""
    with log.open("ab") as errors:
        start = errors.tell()
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=stdout,
            stderr=errors,
            env=clean_environment(),
            # Ctrl-C must reach only the demo, which stops its children in order.
            start_new_session=True,
        )
    try:
        watchdog = await asyncio.create_subprocess_exec(
            *("sh", "-c", _WATCHDOG, "watchdog", str(process.pid)),
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=DEVNULL,
            start_new_session=True,
        )
        try:
            yield Child(process, log, start)
        finally:
            await _stop(process)
            watchdog.kill()
            await watchdog.wait()
    finally:
        await _stop(process)


async def while_running(work: Coroutine[Any, Any, Result], **children: Child) -> Result:
    """Run a coroutine while all of the named children run.

    Raises:
        DemoError: A child ended first.
    """
    task = asyncio.create_task(work)
    ends = {name: asyncio.create_task(child.process.wait()) for name, child in children.items()}
    try:
        await asyncio.wait({task, *ends.values()}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        name = next(name for name, end in ends.items() if end.done())
        child = children[name]
        raise DemoError(f"the {name} has ended: {child.last_log_line()} (see {child.log})")
    finally:
        for unfinished in (task, *ends.values()):
            unfinished.cancel()
        # Wait for the cancelled tasks; their errors no longer matter.
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
