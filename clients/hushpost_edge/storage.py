"""How the edge opens its SQLite files."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

__all__ = ["connect", "empty_log"]

_BUSY_SECONDS = 5.0


def connect(file: Path, schema: str) -> sqlite3.Connection:
    """Open a file; statements commit by themselves unless they stand in a transaction.

    A commit returns once it is on disk, what is deleted is overwritten, and
    nothing is ever laid down in a temporary file. Used by one thread at a time.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        _make(file, schema)
    connection = sqlite3.connect(
        file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    for pragma in (
        "synchronous = full",
        "secure_delete = on",
        "temp_store = memory",
        # Emptying the log is the courier's work: done by an append, a reader
        # would wait for it. This bound holds should the courier be stuck.
        "wal_autocheckpoint = 16384",
    ):
        connection.execute(f"pragma {pragma}")
    return connection


def _make(file: Path, schema: str) -> None:
    """Make a file, all at once.

    Several processes open it as they start, and SQLite does not wait for one
    that is just changing the journal mode.
    """
    draft = file.with_name(f"{file.name}.{uuid4()}")
    with closing(sqlite3.connect(draft)) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.executescript(schema)
    with suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # or a power cut takes the name away, and the events with it
    finally:
        os.close(folder)


def empty_log(connection: sqlite3.Connection) -> None:
    """Move the write-ahead log into the file and cut it to nothing.

    The first step holds up no writer and leaves the second little to do.
    """
    connection.execute("pragma wal_checkpoint(passive)").fetchone()
    connection.execute("pragma wal_checkpoint(truncate)").fetchone()
