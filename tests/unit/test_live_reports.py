"""Live reports: one stream per campaign and key, limits, and outages; with a fake authority."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from hushpost_client import HushpostError, UnauthenticatedError, UnavailableError
from hushpost_dashboard.live_reports import EndReason, LiveReports, TooManyWatchersError, Update
from hushpost_dashboard.sessions import Session
from tests.waiting import until

SECONDS = 10


class Authority:
    """A client whose campaign has a number that tests change.

    Attributes:
        error: What calls raise.
        streams: How many streams are open.
    """

    def __init__(self) -> None:
        self.stats = self
        self.error: HushpostError | None = None
        self.streams = 0
        self._numbers: asyncio.Queue[int | HushpostError] = asyncio.Queue()

    def publish(self, number: int | HushpostError) -> None:
        """Let the stream yield a number, or fail."""
        self._numbers.put_nowait(number)

    async def watch_campaign_stats(self, *_: object, **__: object) -> AsyncGenerator[int, None]:
        """Yield the numbers."""
        self.streams += 1
        try:
            while True:
                number = await self._numbers.get()
                if isinstance(number, HushpostError):
                    raise number
                yield number
        finally:
            self.streams -= 1

    async def get_campaign_stats(self, *_: object, **__: object) -> None:
        """Raise the error, if there is one."""
        if self.error:
            raise self.error

    @asynccontextmanager
    async def of_key(self, _api_key: str) -> AsyncIterator["Authority"]:
        """Return the client of any key."""
        yield self


@pytest.fixture
def authority() -> Authority:
    """The fake authority."""
    return Authority()


def _live(authority: Authority, **options: Any) -> LiveReports:
    clients: Any = authority
    render: Any = str
    return LiveReports(clients, render, **{"check_seconds": 0.01, **options})


def _session(api_key: str = "hp_1") -> Session:
    return Session.start(api_key, "tenant", now=0)


def _watch(
    live: LiveReports, session: Session, is_signed_in: Callable[[], bool] = lambda: True
) -> Any:
    return live.watch(session, "spring", is_signed_in)


async def _next(updates: AsyncGenerator[Any, None]) -> Any:
    async with asyncio.timeout(SECONDS):
        return await anext(updates)


async def test_watchers_share_a_stream(authority: Authority) -> None:
    """A later watcher gets the present state at once; the last one ends the stream."""
    live, session = _live(authority), _session()
    async with _watch(live, session) as first:
        authority.publish(1)
        assert await _next(first) == Update("1")
        async with _watch(live, _session()) as second:
            assert await _next(second) == Update("1")
            assert (live.stream_count, authority.streams) == (1, 1)
            authority.publish(2)
            assert await _next(first) == await _next(second) == Update("2")
        assert live.stream_count == 1
    assert live.stream_count == 0
    await until(lambda: authority.streams == 0)


async def test_keys_do_not_share_a_stream(authority: Authority) -> None:
    """Another key may see another tenant."""
    live = _live(authority)
    async with _watch(live, _session("hp_1")), _watch(live, _session("hp_2")):
        assert live.stream_count == 2


async def test_a_slow_watcher_gets_the_last_state(authority: Authority) -> None:
    """Nothing queues up for it."""
    live = _live(authority)
    async with _watch(live, _session()) as slow, _watch(live, _session()) as fast:
        for number in range(1, 6):
            authority.publish(number)
            assert await _next(fast) == Update(str(number))
        assert await _next(slow) == Update("5")


async def test_an_outage_is_shown_and_ends(authority: Authority) -> None:
    """The stream resumes by itself and says nothing, so calls find out."""
    live = _live(authority)
    async with _watch(live, _session()) as updates:
        authority.publish(1)
        assert await _next(updates) == Update("1")
        authority.error = UnavailableError("down")
        assert await _next(updates) == Update("1", is_current=False)
        authority.error = None
        assert await _next(updates) == Update("1")


async def test_a_rejected_key_ends_the_stream(authority: Authority) -> None:
    """In the stream, or found by a call; a new watcher tries again."""
    rejected = UnauthenticatedError("no")
    live = _live(authority)
    async with _watch(live, _session()) as updates:
        authority.publish(rejected)
        assert await _next(updates) is EndReason.SIGNED_OUT
    async with _watch(live, _session()) as updates:
        authority.error = rejected
        assert await _next(updates) is EndReason.SIGNED_OUT
        authority.error = None
        async with _watch(live, _session()) as again:
            authority.publish(3)
            assert await _next(again) == Update("3")


async def test_a_bug_ends_the_stream(authority: Authority) -> None:
    """Browsers try again later instead of waiting for ever."""

    def render(_stats: object) -> str:
        raise ZeroDivisionError

    clients: Any = authority
    live = LiveReports(clients, render)
    async with _watch(live, _session()) as updates:
        authority.publish(1)
        assert await _next(updates) is EndReason.BUSY


async def test_the_end_of_a_session_ends_its_watchers(authority: Authority) -> None:
    """Others go on."""
    live, signed_in = _live(authority), True
    async with _watch(live, _session()) as other:
        async with _watch(live, _session(), lambda: signed_in) as updates:
            authority.publish(1)
            assert await _next(updates) == Update("1")
            signed_in = False
            assert await _next(updates) is EndReason.SIGNED_OUT
        assert await _next(other) == Update("1")


async def test_watchers_are_limited(authority: Authority) -> None:
    """Per session and in total; a place becomes free again."""
    live = _live(authority, max_watchers=3, max_watchers_of_session=2)
    session = _session()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_watch(live, session))
        async with _watch(live, session):
            with pytest.raises(TooManyWatchersError):
                await stack.enter_async_context(_watch(live, session))
        await stack.enter_async_context(_watch(live, session))
        await stack.enter_async_context(_watch(live, _session()))
        with pytest.raises(TooManyWatchersError):
            await stack.enter_async_context(_watch(live, _session()))


async def test_closing_ends_all_streams(authority: Authority) -> None:
    """Present watchers and those that come while the process stops."""
    live = _live(authority)
    async with _watch(live, _session()) as updates:
        live.close()
        assert await _next(updates) is EndReason.STOPPING
    async with _watch(live, _session()) as updates:
        assert await _next(updates) is EndReason.STOPPING
    await until(lambda: authority.streams == 0)
