"""While the authority is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hushpost_client import Hushpost
from hushpost_edge.token import parsed
from tests.authority import AuthorityProcess

from .conftest import URLS, Counts, OwnAuthority, counts, send, set_up
from .process import EdgeProcess
from .waiting import eventually, until
from .wire import Connection, get

READERS = 300


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[AuthorityProcess]:
    """An authority of the test's own."""
    with AuthorityProcess(tmp_path / "authority") as process:
        yield process


@pytest.fixture
async def own(process: AuthorityProcess) -> OwnAuthority:
    """Its keys."""
    return await set_up(process.target, process.admin_key())


def connect(process: AuthorityProcess, key: str) -> Hushpost:
    """Prepare a client."""
    return Hushpost.connect(process.target, api_key=key, tls=False, timeout=60)


async def click(port: int, tokens: list[str]) -> None:
    """Follow one link of each mail; each must redirect."""
    async with Connection(port) as connection:
        for token in tokens:
            answer = await connection.get(f"/c/{token}/1")
            assert (answer.status, answer.headers["location"]) == (302, URLS[0].encode())


async def every_link_redirects(port: int, token: str) -> None:
    """Look where each link leads, without a click."""
    async with Connection(port) as connection:
        for number, url in enumerate(URLS, 1):
            answer = await connection.get(f"/c/{token}/{number}", method="HEAD")
            assert (answer.status, answer.headers["location"]) == (302, url.encode())


async def test_every_click_redirects_and_is_counted_later(
    process: AuthorityProcess, own: OwnAuthority, folder: Path
) -> None:
    """With authority and database down, and after restarts of the edge, nothing is lost."""
    contacts = [f"reader-{number}" for number in range(READERS)]
    async with connect(process, own.sender_key) as sender:
        mailing = await send(sender, contacts)
    tokens = list(mailing.tokens.values())
    with EdgeProcess(folder, process.target, own.edge_key, "--workers=2") as edge:
        await click(edge.port, tokens)
        process.kill()
        process.end_postgres()
        await asyncio.gather(*(click(edge.port, tokens[part::4]) for part in range(4)))
        assert edge.stop() == 0
        edge.start()
        await click(edge.port, tokens)
        edge.kill()
        edge.start()
        await click(edge.port, tokens)
        await every_link_redirects(edge.port, tokens[0])
        unknown = await get(edge.port, f"/c/{tokens[0]}/99")
        assert (unknown.status, unknown.headers["retry-after"]) == (503, b"5")
        await asyncio.to_thread(process.start)
        async with connect(process, own.reporter_key) as reporter:
            every = Counts(clicks=4 * READERS, unique_clicks=READERS)
            await eventually(lambda: counts(reporter, mailing), every)
        await shipped(edge)
        async with connect(process, own.reporter_key) as reporter:
            assert await counts(reporter, mailing) == every
    assert residue(folder, tokens) == []


async def test_without_the_authority_from_the_start(folder: Path) -> None:
    """An edge that has never seen the authority lives, says that it is not ready, and shows pixels."""
    with EdgeProcess(folder, "127.0.0.1:1", "hp_x", path="/healthz") as edge:
        assert (await get(edge.port, "/readyz")).status == 503
        assert (await get(edge.port, "/o/" + "AQ" + "A" * 54 + ".gif")).status == 200
        assert (await get(edge.port, "/c/" + "AQ" + "A" * 54 + "/1")).status == 503


async def test_a_full_spool_refuses_events_and_nothing_else(
    process: AuthorityProcess, own: OwnAuthority, folder: Path
) -> None:
    """Over its bound the edge redirects, says how many it did not count, and counts the rest."""
    async with connect(process, own.sender_key) as sender:
        mailing = await send(sender, ["ann"])
    token = mailing.tokens["ann"]
    async with AsyncExitStack() as stack:
        options = ("--spool-bytes=1048576",)
        edge = stack.enter_context(EdgeProcess(folder, process.target, own.edge_key, *options))
        process.kill()
        clicks, parts = 24_000, 24
        await asyncio.gather(*(click(edge.port, [token] * (clicks // parts)) for _ in range(parts)))
        await asyncio.sleep(0.5)
        refused = await refused_events(edge)
        assert 0 < refused < clicks
        assert "full" in (await get(edge.port, "/readyz")).body.decode()
        used = sum(file.stat().st_size for file in (edge.data_dir / "spool").glob("*.sqlite"))
        assert used < 2 * 1048576
        await asyncio.to_thread(process.start)
        reporter = await stack.enter_async_context(connect(process, own.reporter_key))
        expected = Counts(clicks=clicks - refused, unique_clicks=1)
        await eventually(lambda: counts(reporter, mailing), expected)
        assert "events refused, the spool is full" in edge.log_file.read_text()
        await shipped(edge)
        assert (await get(edge.port, "/readyz")).body == b"ok\n"


async def test_stopping_keeps_what_was_answered(
    process: AuthorityProcess, own: OwnAuthority, folder: Path
) -> None:
    """Every click that was answered before SIGTERM is counted after the next start."""
    contacts = [f"reader-{number}" for number in range(2_000)]
    async with connect(process, own.sender_key) as sender:
        mailing = await send(sender, contacts)
    answered = 0

    async def click_on(tokens: list[str], port: int) -> None:
        nonlocal answered
        try:
            async with Connection(port) as connection:
                for token in tokens:
                    assert (await connection.get(f"/c/{token}/1")).status == 302
                    answered += 1
        except (EOFError, ConnectionError):
            pass

    tokens = list(mailing.tokens.values())
    with EdgeProcess(folder, process.target, own.edge_key) as edge:
        clicks = [asyncio.create_task(click_on(tokens[part::8], edge.port)) for part in range(8)]
        await until(lambda: answered > 100)
        assert await asyncio.to_thread(edge.stop) == 0
        await asyncio.gather(*clicks)
        assert 100 < answered < len(tokens)
        edge.start()
        await shipped(edge)
        async with connect(process, own.reporter_key) as reporter:
            found = await counts(reporter, mailing)
    # A click may be on disk whose answer was cut off; each token clicks once.
    assert answered <= found.clicks == found.unique_clicks <= answered + 8


async def shipped(edge: EdgeProcess) -> None:
    """Return once nothing waits in the spool, and the courier has had time to clean up."""

    async def oldest() -> float:
        return await metric(edge, "hushpost_edge_spool_oldest_seconds")

    await asyncio.sleep(3)  # events are held for a while, and are not old before
    await eventually(oldest, 0.0)
    await asyncio.sleep(1.5)


async def refused_events(edge: EdgeProcess) -> int:
    """Return how many events were refused."""
    return int(await metric(edge, 'hushpost_edge_refused_events_total{cause="full"}'))


async def metric(edge: EdgeProcess, name: str) -> float:
    """Return a number of the edge's."""
    for line in (await get(edge.port, "/metrics")).body.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.rpartition(" ")[2])
    return 0.0


def residue(folder: Path, tokens: list[str]) -> list[str]:
    """Return the files that hold a token, as text or as bytes."""
    needles = []
    for token in tokens:
        read = parsed(token)
        assert read is not None
        assert read.sealed is not None
        needles += [token.encode(), read.sealed[10:]]
    return [
        str(file)
        for file in folder.rglob("*")
        if file.is_file() and any(needle in file.read_bytes() for needle in needles)
    ]
