"""Makes the FILE argument readable twice: standard input is copied to a temporary file."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hushpost_cli.contacts_file.header import FileError

__all__ = ["InputFile", "input_file"]

_STANDARD_INPUT = "stdin.csv"


class InputFile(NamedTuple):
    """The file to read.

    Attributes:
        path: The path to open.
        place: The path next to which other files are written; its name appears in messages.
    """

    path: Path
    place: Path


@contextmanager
def input_file(file: Path) -> Iterator[InputFile]:
    """Return the file that the argument names; `-` is standard input.

    The copy of standard input is readable by the user only, and is deleted afterwards.

    Raises:
        FileError: Standard input can't be copied.
    """
    if file != Path("-"):
        yield InputFile(file, file)
        return
    with tempfile.NamedTemporaryFile(prefix="hushpost-") as copy:
        try:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.flush()
        except OSError as error:
            raise FileError(f"can't be copied to {copy.name}: {error.strerror}") from error
        yield InputFile(Path(copy.name), Path(_STANDARD_INPUT))
