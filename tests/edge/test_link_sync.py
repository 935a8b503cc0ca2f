"""Syncing the links of all campaigns to the local store."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from hushpost_client import (
    ErrorReason,
    HushpostError,
    InvalidArgumentError,
    LinkUpdate,
    PermissionDeniedError,
    Tracking,
    WatchedLink,
)
from hushpost_edge import link_sync
from hushpost_edge.link_store import LinkStore
from hushpost_edge.link_sync import sync_links
from tests.waiting import until


class ScriptedTracking:
    """A fake that answers each call with the next updates or error; then sends nothing."""

    def __init__(self, *script: list[LinkUpdate] | HushpostError) -> None:
        self.script = list(script)
        self.cursors: list[str | None] = []

    async def watch_links(self, cursor: str | None) -> AsyncGenerator[LinkUpdate, None]:
        """Yield the updates of the next step."""
        self.cursors.append(cursor)
        step = self.script.pop(0) if self.script else []
        if isinstance(step, HushpostError):
            raise step
        for update in step:
            yield update
        if not self.script:
            await asyncio.sleep(60)


def update(*numbers: int, complete: bool = True) -> LinkUpdate:
    """Create an update with links of campaign 1; the cursor is the last link number."""
    links = tuple(
        WatchedLink(campaign_number=1, link_number=number, url=f"https://example.com/{number}")
        for number in numbers
    )
    return LinkUpdate(links=links, cursor=str(numbers[-1]), snapshot_complete=complete)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LinkStore]:
    """An empty store."""
    store = LinkStore(tmp_path / "links.sqlite")
    yield store
    store.close()


async def sync(store: LinkStore, tracking: ScriptedTracking, calls: int) -> None:
    """Sync until the given number of calls, and for 0.2 seconds more."""
    task = asyncio.create_task(sync_links(store, cast("Tracking", tracking)))
    await until(lambda: len(tracking.cursors) >= calls)
    await asyncio.sleep(0.2)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_links_and_cursor_are_stored(store: LinkStore) -> None:
    """Links are stored, and the next start resumes from the last cursor."""
    await sync(store, ScriptedTracking([update(1, 2, complete=False), update(3)]), 1)
    assert store.find(1, 3) == "https://example.com/3"
    assert store.is_complete()
    restarted = ScriptedTracking()
    await sync(store, restarted, 1)
    assert restarted.cursors == ["3"]


async def test_an_error_is_retried(store: LinkStore, monkeypatch: Any) -> None:
    """After PERMISSION_DENIED, sync retries from the last cursor and keeps its links."""
    monkeypatch.setattr(link_sync, "_RETRY_SECONDS", 0.01)
    tracking = ScriptedTracking([update(1)], PermissionDeniedError("denied"), [update(2)])
    await sync(store, tracking, 3)
    assert tracking.cursors == [None, "1", "1"]
    assert store.find(1, 2) is not None


async def test_an_invalid_cursor_starts_over(store: LinkStore, monkeypatch: Any) -> None:
    """After CURSOR_INVALID, sync receives all links again."""
    monkeypatch.setattr(link_sync, "_RETRY_SECONDS", 0.01)
    wrong = InvalidArgumentError("invalid", reason=ErrorReason.CURSOR_INVALID)
    tracking = ScriptedTracking([update(5)], wrong, [update(1)])
    await sync(store, tracking, 3)
    assert tracking.cursors == [None, "5", None]
    assert store.cursor() == "1"
