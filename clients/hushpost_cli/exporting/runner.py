"""Runs a command that writes what the authority returns to a new file."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TextIO

from hushpost_cli._connection import BATCH_RETRY, Connection
from hushpost_cli._exit import INTERRUPTED, USAGE, error_code, error_text, fail, print_lines
from hushpost_cli._new_file import STANDARD_OUTPUT, new_file
from hushpost_client import Hushpost, HushpostError

__all__ = ["PAGE_SIZE", "Write", "run"]

PAGE_SIZE = 1_000
"""The largest page that the authority returns."""

Write = Callable[[TextIO, Hushpost], Awaitable[list[str]]]
"""Writes the file, and returns the report."""


def run(file: Path, connection: Connection, write: Write) -> None:
    """Write a new file, or leave nothing behind. Raises typer.Exit."""

    async def write_file() -> list[str]:
        with new_file(file) as text:
            async with connection.open(retry=BATCH_RETRY) as hushpost:
                return await write(text, hushpost)

    try:
        report = asyncio.run(write_file())
    except FileExistsError as error:
        raise fail(str(error), USAGE) from error
    except HushpostError as error:
        raise fail(
            f"{file}: {error_text(error)}; nothing was written", error_code(error)
        ) from error
    except OSError as error:
        raise fail(f"{file} can't be written: {error.strerror or error}") from error
    except KeyboardInterrupt:
        raise fail(f"{file}: interrupted; nothing was written", INTERRUPTED) from None
    print_lines(report, err=file == STANDARD_OUTPUT)
