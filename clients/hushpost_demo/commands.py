"""Runs commands of `hushpost`; their output goes to the terminal."""

import asyncio
from pathlib import Path

from hushpost_demo.errors import DemoError

__all__ = ["run_command"]


async def run_command(
    command: Path, environment: dict[str, str], name: str, *arguments: str | Path
) -> None:
    """Run `hushpost NAME ARGUMENTS`; `name` can be of several words.

    Raises:
        DemoError: The command fails.
    """
    process = await asyncio.create_subprocess_exec(
        command, *name.split(), *arguments, stdin=asyncio.subprocess.DEVNULL, env=environment
    )
    try:
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if code:
        raise DemoError(f"hushpost {name} failed with exit code {code}")
