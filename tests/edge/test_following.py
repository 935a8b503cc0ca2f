"""Following the links of all campaigns."""

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
from hushpost_edge import following
from hushpost_edge.following import follow_links
from hushpost_edge.links import LinkStore

from .waiting import until


class ScriptedTracking:
    """Answers each call with updates, or an error; then is silent."""

    def __init__(self, *script: list[LinkUpdate] | HushpostError) -> None:
        self.script = list(script)
        self.cursors: list[str] = []

    async def watch_links(self, cursor: str) -> AsyncGenerator[LinkUpdate, None]:
        """Stream by script."""
        self.cursors.append(cursor)
        step = self.script.pop(0) if self.script else []
        if isinstance(step, HushpostError):
            raise step
        for update in step:
            yield update
        if not self.script:
            await asyncio.sleep(60)


def update(*numbers: int, complete: bool = True) -> LinkUpdate:
    """An update with links of campaign 1; the cursor is the last one's number."""
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


async def follow(store: LinkStore, tracking: ScriptedTracking, calls: int) -> None:
    """Follow until so many calls have been made, and a little longer."""
    task = asyncio.create_task(follow_links(store, cast("Tracking", tracking)))
    await until(lambda: len(tracking.cursors) >= calls)
    await asyncio.sleep(0.2)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_links_and_cursor_are_kept(store: LinkStore) -> None:
    """Every link is kept, and the next start goes on from the last cursor."""
    await follow(store, ScriptedTracking([update(1, 2, complete=False), update(3)]), 1)
    assert store.find(1, 3) == "https://example.com/3"
    assert store.is_complete()
    again = ScriptedTracking()
    await follow(store, again, 1)
    assert again.cursors == ["3"]


async def test_a_refusal_is_not_the_end(store: LinkStore, monkeypatch: Any) -> None:
    """Without permission the edge asks again, slowly, and keeps what it has."""
    monkeypatch.setattr(following, "_SLOW_SECONDS", 0.01)
    tracking = ScriptedTracking([update(1)], PermissionDeniedError("no"), [update(2)])
    await follow(store, tracking, 3)
    assert tracking.cursors == ["", "1", "1"]
    assert store.find(1, 2) is not None


async def test_a_cursor_that_means_nothing_starts_over(store: LinkStore, monkeypatch: Any) -> None:
    """An authority that does not know the cursor sends all links again."""
    monkeypatch.setattr(following, "_SLOW_SECONDS", 0.01)
    wrong = InvalidArgumentError("what?", reason=ErrorReason.CURSOR_INVALID)
    tracking = ScriptedTracking([update(5)], wrong, [update(1)])
    await follow(store, tracking, 3)
    assert tracking.cursors == ["", "5", ""]
    assert store.cursor() == "1"
