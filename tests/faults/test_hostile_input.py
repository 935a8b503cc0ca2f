"""Malformed and unfinished calls without an API key disturb no other caller, over either transport.

What they can make the authority hold is measured by `test_hostile_connections`, for grpcio alone.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hushpost_client import Count, PolicyUpdate, Release, Verdict
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority, make_tenant
from tests.http2 import DATA, frame
from tests.log_lines import log_lines
from tests.mailing import Mailing, clients_of, send
from tests.rpc.test_malformed_calls import MALFORMED, METHODS, START, exchange, header_of
from tests.waiting import until

HALF_OPEN = 20
PEOPLE = 50

UNFINISHED = [
    b"",
    START[:10],
    *(START + header_of(method, {})[:20] for method in METHODS),
    *(START + header_of(method, {}) for method in METHODS),
    *(
        START + header_of(method, {}) + frame(DATA, 0, 1, struct.pack(">BI", 0, 1_000) + bytes(10))
        for method in METHODS
    ),
]
"""The beginnings of calls: nothing, half a preface, half of the headers, no request, half a request."""


@pytest.fixture(params=["grpcio", "native"])
def authority(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningAuthority]:
    """An authority with either transport."""
    with AuthorityProcess(tmp_path, "--transport", request.param) as process:
        yield RunningAuthority.of(process)


@pytest.fixture
async def mailing(authority: RunningAuthority) -> AsyncIterator[Mailing]:
    """A campaign at that authority."""
    async with AsyncExitStack() as stack:
        keys = await make_tenant(authority, PolicyUpdate(release=Release.EXACT))
        people = [f"reader-{number}" for number in range(PEOPLE)]
        yield await send(await clients_of(stack, authority, keys=keys), people)


def _open_files(authority: RunningAuthority) -> int:
    folder = Path(f"/proc/{authority.process.process.pid}/fd")
    return len(list(folder.iterdir()))


async def test_calls_of_others_are_served_meanwhile(
    authority: RunningAuthority, mailing: Mailing
) -> None:
    """Calls over old and new connections count, and the connections end with their clients."""
    before = _open_files(authority)
    host, _, port = authority.target.rpartition(":")
    writers = []
    for data in UNFINISHED * HALF_OPEN:
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(data)
        writers.append(writer)
    await until(lambda: _open_files(authority) >= before + len(writers))

    async def record_all() -> None:
        for token in mailing.tokens.values():
            await mailing.clients.edge.tracking.record_open(token, verdict=Verdict.HUMAN)

    malformed = [exchange(authority.target, data) for data in MALFORMED]
    await asyncio.gather(record_all(), *malformed)

    assert (await mailing.stats()).opens.human.identified == Count(PEOPLE, PEOPLE)
    async with authority.client(authority.admin_key) as client:
        assert [tenant async for tenant in client.admin.list_tenants()]
    for writer in writers:
        writer.close()
    await until(lambda: _open_files(authority) < before + HALF_OPEN)
    assert authority.process.process.poll() is None
    assert log_lines(authority.process.log_file)
