"""How the edge opens its SQLite files."""

import sqlite3
from pathlib import Path

__all__ = ["connect", "empty_log"]

_BUSY_SECONDS = 5.0


def connect(file: Path, schema: str) -> sqlite3.Connection:
    """Open a file; statements commit by themselves unless they stand in a transaction.

    A commit returns once it is on disk, what is deleted is overwritten, and
    nothing is ever laid down in a temporary file. Used by one thread at a time.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = sqlite3.connect(
        file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    for pragma in (
        "journal_mode = wal",
        "synchronous = full",
        "secure_delete = on",
        "temp_store = memory",
        # Emptying the log is the courier's work: done by an append, a reader
        # would wait for it. This bound holds should the courier be stuck.
        "wal_autocheckpoint = 16384",
    ):
        connection.execute(f"pragma {pragma}")
    connection.executescript(schema)
    return connection


def empty_log(connection: sqlite3.Connection) -> None:
    """Move the write-ahead log into the file and cut it to nothing.

    The first step holds up no writer and leaves the second little to do.
    """
    connection.execute("pragma wal_checkpoint(passive)").fetchone()
    connection.execute("pragma wal_checkpoint(truncate)").fetchone()
