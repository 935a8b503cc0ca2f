"""Finding where a link leads."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from hushpost_client import HushpostError, NotFoundError, Tracking, UnavailableError, WatchedLink
from hushpost_edge.links import LinkStore
from hushpost_edge.lookup import Lookup, NoSuchLinkError, UnresolvedLinkError

URL = "https://example.com/ä?x=1#y"


class ScriptedTracking:
    """Answers with a URL or an error, after a moment."""

    def __init__(self) -> None:
        self.answer: str | HushpostError = URL
        self.asked = 0

    async def resolve_link(self, _token: str, _number: int, *, timeout: float) -> str:
        """Answer."""
        assert timeout <= 2
        self.asked += 1
        await asyncio.sleep(0.05)
        if isinstance(self.answer, HushpostError):
            raise self.answer
        return self.answer


@pytest.fixture
def tracking() -> ScriptedTracking:
    """An authority that knows every link."""
    return ScriptedTracking()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LinkStore]:
    """An empty store."""
    store = LinkStore(tmp_path / "links.sqlite")
    yield store
    store.close()


@pytest.fixture
def lookup(store: LinkStore, tracking: ScriptedTracking) -> Lookup:
    """The lookup of a worker."""
    return Lookup(store, cast("Tracking", tracking))


async def test_a_link_that_came_with_the_stream_is_known(store: LinkStore, lookup: Lookup) -> None:
    """As soon as it is in the file, also where it was not known a moment before."""
    assert lookup.known(1, 2) is None
    store.follow([WatchedLink(campaign_number=1, link_number=2, url=URL)], "7", is_complete=False)
    assert lookup.known(1, 2) == URL.encode()
    assert (store.cursor(), store.is_complete()) == ("7", False)


async def test_a_store_stays_complete(store: LinkStore) -> None:
    """Having had all links once is enough to be ready, also while later ones are read."""
    store.follow([], "1", is_complete=True)
    store.follow([], "2", is_complete=False)
    assert (store.cursor(), store.is_complete()) == ("2", True)


async def test_many_readers_ask_once(lookup: Lookup, tracking: ScriptedTracking) -> None:
    """A link that is new is asked for once, and kept."""
    urls = await asyncio.gather(*(lookup.resolve("token", 1, 2) for _ in range(50)))
    assert set(urls) == {URL.encode()}
    assert tracking.asked == 1
    assert lookup.known(1, 2) == URL.encode()


async def test_a_link_that_does_not_exist_is_remembered(
    lookup: Lookup, tracking: ScriptedTracking
) -> None:
    """For a while, nobody asks again for what is not there."""
    tracking.answer = NotFoundError("no such link")
    for _ in range(3):
        with pytest.raises(NoSuchLinkError):
            await lookup.resolve("token", 1, 2)
    assert tracking.asked == 1


async def test_not_being_able_to_ask_is_not_an_answer(
    lookup: Lookup, tracking: ScriptedTracking
) -> None:
    """While the authority is away a link is unresolved, and asked for again later."""
    tracking.answer = UnavailableError("down")
    with pytest.raises(UnresolvedLinkError):
        await lookup.resolve("token", 1, 2)
    tracking.answer = URL
    assert await lookup.resolve("token", 1, 2) == URL.encode()


async def test_made_up_campaigns_do_not_flood_the_authority(
    lookup: Lookup, tracking: ScriptedTracking
) -> None:
    """Only so many questions are open at a time."""
    tracking.answer = NotFoundError("no such link")
    outcomes = await asyncio.gather(
        *(lookup.resolve("token", campaign, 1) for campaign in range(500)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {NoSuchLinkError, UnresolvedLinkError}
    assert tracking.asked <= 32
