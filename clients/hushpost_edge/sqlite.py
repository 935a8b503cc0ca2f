"""Opens the edge's SQLite files, with settings for durability and secure deletion."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

__all__ = ["error_name", "open_database", "open_read_only", "transaction", "truncate_wal"]

_BUSY_SECONDS = 5.0

_PRAGMAS = (
    "synchronous = full",
    "secure_delete = on",
    "temp_store = memory",
    # The background shipper checkpoints the WAL, because a checkpoint in an append
    # would delay requests. This limit applies only if the shipper is stuck.
    "wal_autocheckpoint = 16384",
)


def open_database(file: Path, schema: str) -> sqlite3.Connection:
    """Open a file in autocommit mode, and create it if it is missing.

    A commit returns after an fsync, deleted content is overwritten, and nothing is
    written to temporary files. Only one thread at a time may use the connection.

    Raises sqlite3.Error, and OSError if the file is missing and cannot be created.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        _create(file, schema)
    connection = sqlite3.connect(
        file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"pragma {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def open_read_only(file: Path) -> sqlite3.Connection:
    """Open a file that exists, without its WAL. Close it soon: it does not see changes.

    This works on a full disk, where SQLite cannot create the index of a WAL.
    """
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def _create(file: Path, schema: str) -> None:
    """Create a file atomically.

    Several processes open it when they start, and SQLite does not wait for a process
    that is changing the journal mode.
    """
    draft = file.with_name(f"{file.name}.{uuid4()}")
    try:
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute("pragma journal_mode = wal")
            connection.executescript(schema)
        with suppress(FileExistsError):
            os.link(draft, file)
    finally:
        for leftover in file.parent.glob(f"{draft.name}*"):
            leftover.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # otherwise a power failure could remove the new file
    finally:
        os.close(folder)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in a transaction that is rolled back if it raises an error."""
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("rollback")
        raise


def truncate_wal(connection: sqlite3.Connection) -> None:
    """Move the write-ahead log into the database file and truncate it.

    The passive checkpoint does not block writers and leaves little work for the second.
    """
    connection.execute("pragma wal_checkpoint(passive)").fetchone()
    connection.execute("pragma wal_checkpoint(truncate)").fetchone()


def error_name(error: Exception) -> str:
    """Return the name of an error for the log: that of SQLite, or its type."""
    return getattr(error, "sqlite_errorname", type(error).__name__)
