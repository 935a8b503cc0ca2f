"""Writes files of personal data: complete or not at all, readable by the user only."""

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast

__all__ = ["STANDARD_OUTPUT", "new_file"]

STANDARD_OUTPUT = Path("-")


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """Open a UTF-8 file that gets its name when the block ends; `-` is standard output.

    Raises:
        FileExistsError: There is a file of that name. It may be evidence, so it is kept.
        OSError: The file can't be written.
    """
    if path == STANDARD_OUTPUT:
        output = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
        try:
            yield output
            output.flush()
        finally:
            output.detach()
        return
    _check_absent(path)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=path.parent, prefix=f".{path.name}-", delete=False
    ) as file:
        try:
            yield cast("TextIO", file)
            file.flush()
            os.fsync(file.fileno())
            _check_absent(path)
            Path(file.name).rename(path)
        finally:
            Path(file.name).unlink(missing_ok=True)


def _check_absent(path: Path) -> None:
    if path.exists():
        raise FileExistsError(f"{path} exists; choose another name")
