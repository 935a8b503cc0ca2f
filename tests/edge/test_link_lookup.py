"""Looking up the URL of a link."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast
from unittest.mock import create_autospec

import pytest

from hushpost_client import (
    HushpostError,
    InvalidArgumentError,
    NotFoundError,
    Tracking,
    UnavailableError,
    WatchedLink,
)
from hushpost_edge.damaged_lookup import DamagedLookup
from hushpost_edge.event_recording import EventRecorder
from hushpost_edge.general_pages import GeneralPages
from hushpost_edge.handlers import ClickHandler
from hushpost_edge.link_lookup import LinkLookup, LinkNotFoundError, LinkUnavailableError
from hushpost_edge.link_store import LinkStore
from hushpost_edge.page_templates import PageTemplates
from hushpost_runtime.address_ranges import AddressRanges

URL = "https://example.com/ä?x=1#y"
ENCODED = b"https://example.com/%C3%A4?x=1#y"
TOKEN_CHARACTERS = 56


class ScriptedTracking:
    """A fake that returns a URL or raises an error, after 50 ms. Rejects long tokens."""

    def __init__(self) -> None:
        self.outcome: str | HushpostError = URL
        self.calls = 0

    async def resolve_link(self, token: str, _number: int, *, timeout: float) -> str:
        """Return the URL or raise the error."""
        assert timeout <= 2
        self.calls += 1
        await asyncio.sleep(0.05)
        if len(token) > TOKEN_CHARACTERS:
            raise InvalidArgumentError("MESSAGE_TOO_LARGE")
        if isinstance(self.outcome, HushpostError):
            raise self.outcome
        return self.outcome


@pytest.fixture
def tracking() -> ScriptedTracking:
    """A fake authority that knows every link."""
    return ScriptedTracking()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LinkStore]:
    """An empty store."""
    store = LinkStore(tmp_path / "links.sqlite")
    yield store
    store.close()


@pytest.fixture
def lookup(store: LinkStore, tracking: ScriptedTracking) -> LinkLookup:
    """The lookup of a worker."""
    return LinkLookup(store, cast("Tracking", tracking))


async def test_a_synced_link_is_found_locally(store: LinkStore, lookup: LinkLookup) -> None:
    """A link is found as soon as it is stored, even after an earlier miss."""
    assert lookup.find_local(1, 2) is None
    store.apply([WatchedLink(campaign_number=1, link_number=2, url=URL)], "7", is_complete=False)
    assert lookup.find_local(1, 2) == ENCODED
    assert (store.cursor(), store.is_complete()) == ("7", False)


async def test_a_file_of_an_earlier_version_is_used(tmp_path: Path) -> None:
    """A file without the table of headers keeps its links and takes new ones."""
    file = tmp_path / "links.sqlite"
    earlier = LinkStore(file)
    earlier.add(1, 1, URL)
    earlier.close()
    with closing(sqlite3.connect(file)) as db:
        db.execute("drop table headers")
    store = LinkStore(file)
    store.add(2, 1, URL)
    assert (store.find(1, 1), store.find(2, 1)) == (URL, URL)
    store.close()


async def test_a_store_stays_complete(store: LinkStore) -> None:
    """A store that was complete once stays complete while newer links are received."""
    store.apply([], "1", is_complete=True)
    store.apply([], "2", is_complete=False)
    assert (store.cursor(), store.is_complete()) == ("2", True)


async def test_concurrent_requests_share_a_call(
    lookup: LinkLookup, tracking: ScriptedTracking
) -> None:
    """Requests for the same new link make one call, and the link is stored."""
    urls = await asyncio.gather(*(lookup.resolve(1, 2) for _ in range(50)))
    assert set(urls) == {ENCODED}
    assert tracking.calls == 1
    assert lookup.find_local(1, 2) == ENCODED


async def test_a_missing_link_is_cached(lookup: LinkLookup, tracking: ScriptedTracking) -> None:
    """A link that does not exist is not requested again for some time."""
    tracking.outcome = NotFoundError("no such link")
    for _ in range(3):
        with pytest.raises(LinkNotFoundError):
            await lookup.resolve(1, 2)
    assert tracking.calls == 1


async def test_a_failed_call_is_not_cached(lookup: LinkLookup, tracking: ScriptedTracking) -> None:
    """If the authority is unavailable, a later request calls it again."""
    tracking.outcome = UnavailableError("down")
    with pytest.raises(LinkUnavailableError):
        await lookup.resolve(1, 2)
    tracking.outcome = URL
    assert await lookup.resolve(1, 2) == ENCODED


async def test_concurrent_calls_are_limited(lookup: LinkLookup, tracking: ScriptedTracking) -> None:
    """Requests for invented campaigns make at most 32 concurrent calls."""
    tracking.outcome = NotFoundError("no such link")
    outcomes = await asyncio.gather(
        *(lookup.resolve(campaign, 1) for campaign in range(500)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {LinkNotFoundError, LinkUnavailableError}
    assert tracking.calls <= 32


@pytest.mark.parametrize("junk", ["", "A", "A" * 70_000])
async def test_a_damaged_token_does_not_hide_a_link(
    store: LinkStore, lookup: LinkLookup, junk: str
) -> None:
    """A damaged token of any length redirects, and so does the next request for the link."""
    pages = GeneralPages(PageTemplates())
    damaged = DamagedLookup(store, AddressRanges([]), lambda: 0.0)
    handle = ClickHandler(lookup, damaged, create_autospec(EventRecorder), pages)
    header = "AQEAAAAAAAAABw"
    for token in (header + "AA" + junk, header.ljust(TOKEN_CHARACTERS, "A")):
        sent: list[Any] = []
        scope = {"type": "http", "method": "HEAD", "path": f"/c/{token}/1", "headers": []}

        async def send(message: Any, sent: list[Any] = sent) -> None:
            sent.append(message)

        await handle(scope, cast("Any", None), send)
        assert sent[0]["status"] == 302
