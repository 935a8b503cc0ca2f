"""The edge during outages of the authority and the database."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

from hushpost_client import Hushpost
from hushpost_edge.token_header import parse_token
from tests.authority import AuthorityProcess
from tests.waiting import eventually, until

from .conftest import URLS, Counts, OwnAuthority, counts, send
from .edge_process import EdgeProcess
from .raw_http import Connection, get

READERS = 300


def connect(process: AuthorityProcess, key: str) -> Hushpost:
    """Create a client."""
    return Hushpost.connect(process.target, api_key=key, tls=False, timeout=60)


async def click(port: int, tokens: list[str]) -> None:
    """Click the first link with each token; each click must redirect."""
    async with Connection(port) as connection:
        for token in tokens:
            response = await connection.get(f"/c/{token}/1")
            assert (response.status, response.headers["location"]) == (302, URLS[0].encode())


async def assert_every_link_redirects(port: int, token: str) -> None:
    """Check each link of the campaign with HEAD, which records no click."""
    async with Connection(port) as connection:
        for number, url in enumerate(URLS, 1):
            response = await connection.get(f"/c/{token}/{number}", method="HEAD")
            assert (response.status, response.headers["location"]) == (302, url.encode())


async def test_clicks_during_an_outage_redirect_and_are_counted_later(
    process: AuthorityProcess, own: OwnAuthority, folder: Path
) -> None:
    """No click is lost while authority and database are down and the edge restarts."""
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
        # A thief who copies the disk now, and has all tokens, cannot see which were used.
        assert edge.waiting_events() >= 2 * READERS
        assert files_with_tokens(folder, tokens) == []
        edge.start()
        await click(edge.port, tokens)
        await assert_every_link_redirects(edge.port, tokens[0])
        unknown = await get(edge.port, f"/c/{tokens[0]}/99")
        assert (unknown.status, unknown.headers["retry-after"]) == (503, b"5")
        await asyncio.to_thread(process.start)
        async with connect(process, own.reporter_key) as reporter:
            expected = Counts(clicks=4 * READERS, unique_clicks=READERS)
            await eventually(lambda: counts(reporter, mailing), expected)
            await until(lambda: not edge.waiting_events() and not files_with_tokens(folder, tokens))
            assert await counts(reporter, mailing) == expected
    assert files_with_tokens(folder, tokens) == []


async def test_starting_without_the_authority(folder: Path) -> None:
    """An edge that never reached the authority serves pixels but is not ready."""
    with EdgeProcess(folder, "127.0.0.1:1", "hp_x", path="/healthz") as edge:
        assert (await get(edge.port, "/readyz")).status == 503
        assert (await get(edge.port, "/o/" + "AQ" + "A" * 54 + ".gif")).status == 200
        assert (await get(edge.port, "/c/" + "AQ" + "A" * 54 + "/1")).status == 503


async def test_a_full_spool_drops_events_but_redirects(
    process: AuthorityProcess, own: OwnAuthority, folder: Path
) -> None:
    """At the size limit, redirects continue, dropped events are counted, the rest is recorded."""
    async with connect(process, own.sender_key) as sender:
        mailing = await send(sender, ["ann"])
    token = mailing.tokens["ann"]
    async with AsyncExitStack() as stack:
        options = ("--spool-bytes=1048576",)
        edge = stack.enter_context(EdgeProcess(folder, process.target, own.edge_key, *options))
        process.kill()
        clicks, parts = 18_000, 24
        await asyncio.gather(*(click(edge.port, [token] * (clicks // parts)) for _ in range(parts)))
        await until(lambda: "events dropped" in edge.log_file.read_text())
        assert "full" in (await get(edge.port, "/readyz")).body.decode()
        used = sum(file.stat().st_size for file in (edge.data_dir / "spool").glob("*.sqlite"))
        assert used < 2 * 1048576
        await asyncio.to_thread(process.start)
        reporter = await stack.enter_async_context(connect(process, own.reporter_key))

        async def recorded_or_dropped() -> int:
            return (await counts(reporter, mailing)).clicks + dropped_events(edge)

        await eventually(recorded_or_dropped, clicks)
        assert 0 < dropped_events(edge) < clicks
        assert (await counts(reporter, mailing)).unique_clicks == 1
        await until(lambda: not edge.waiting_events())
        await eventually(lambda: readiness(edge), b"ok\n")


async def test_stopping_loses_no_event(
    process: AuthorityProcess, own: OwnAuthority, folder: Path
) -> None:
    """Every click that redirected before SIGTERM is counted after the next start."""
    contacts = [f"reader-{number}" for number in range(2_000)]
    async with connect(process, own.sender_key) as sender:
        mailing = await send(sender, contacts)
    redirected = 0

    async def click_on(tokens: list[str], port: int) -> None:
        nonlocal redirected
        try:
            async with Connection(port) as connection:
                for token in tokens:
                    assert (await connection.get(f"/c/{token}/1")).status == 302
                    redirected += 1
        except (EOFError, ConnectionError):
            pass

    tokens = list(mailing.tokens.values())
    with EdgeProcess(folder, process.target, own.edge_key) as edge:
        clicks = [asyncio.create_task(click_on(tokens[part::8], edge.port)) for part in range(8)]
        await until(lambda: redirected > 100)
        assert await asyncio.to_thread(edge.stop) == 0
        await asyncio.gather(*clicks)
        assert 100 < redirected < len(tokens)
        edge.start()
        await until(lambda: not edge.waiting_events())
        async with connect(process, own.reporter_key) as reporter:
            counted = await counts(reporter, mailing)
    # A click may be recorded although its response was cut off. Each token clicks once.
    assert redirected <= counted.clicks == counted.unique_clicks <= redirected + 8


async def readiness(edge: EdgeProcess) -> bytes:
    """Return what the edge answers about its readiness."""
    return (await get(edge.port, "/readyz")).body


def dropped_events(edge: EdgeProcess) -> int:
    """Return how many events the log says were dropped because the spool was full."""
    lines = [json.loads(line) for line in edge.log_file.read_text().splitlines()]
    return sum(line["events"] for line in lines if line["event"] == "events dropped")


async def metric(edge: EdgeProcess, name: str) -> float:
    """Return the value of a metric, 0 if it is absent."""
    for line in (await get(edge.port, "/metrics")).body.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.rpartition(" ")[2])
    return 0.0


def files_with_tokens(folder: Path, tokens: list[str]) -> list[str]:
    """Return the files that contain a token, as text or as bytes."""
    needles = []
    for token in tokens:
        parsed = parse_token(token)
        assert parsed is not None
        assert parsed.raw is not None
        needles += [token.encode(), parsed.raw[10:]]
    return [
        str(file)
        for file in folder.rglob("*")
        if file.is_file() and any(needle in file.read_bytes() for needle in needles)
    ]
