"""Restarting the embedded server while the library waits for one that has died."""

import threading
from pathlib import Path
from typing import Any, cast

import pytest

from hushpost_service.storage import embedded
from hushpost_service.storage.embedded import EmbeddedDatabase, EmbeddedDatabaseError


class Library:
    """Its first server dies as soon as it is started; like the real one, it waits until one runs."""

    def __init__(self) -> None:
        self.starts = 0
        self.is_running = threading.Event()

    def ensure_postgres_running(self) -> None:
        """Start a server, and wait until it runs."""
        self.starts += 1
        if self.starts > 1:
            self.is_running.set()
        self.is_running.wait()


async def test_a_server_that_dies_while_it_starts_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next attempt does not wait for the first one, which ends with it."""
    monkeypatch.setattr(embedded, "_RESTART_SECONDS", 0.1)
    library = Library()
    database = EmbeddedDatabase(tmp_path)
    database._server = cast("Any", library)  # in place of a real one
    with pytest.raises(EmbeddedDatabaseError, match="does not start"):
        await database.ensure_running()
    await database.ensure_running()
    assert library.starts == 2
