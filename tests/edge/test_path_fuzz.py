"""The edge with any paths, methods, headers and bytes.

A few seconds; minutes with `HUSHPOST_TEST_FAULTS=full`, as `make test-faults` sets it.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from operator import ne
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.conftest import RunningAuthority, make_tenant
from tests.faults.extent import FIRST_SEED, FULL

from .conftest import URLS, send
from .edge_process import EdgeProcess
from .hostile_requests import (
    METHODS,
    header_lines,
    paths,
    queries,
    raw_bytes,
    request,
)

FUZZ = settings(
    max_examples=4_000 if FULL else 250,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TIMEOUT_SECONDS = 20
PORTION = 65_536

LINK = re.compile(rb"/+c/+([^/]+)/+0*([1-9][0-9]{0,8}|0)(?![0-9])", re.IGNORECASE)
NAMES_CAMPAIGN = slice(3, 13)
STATUS = re.compile(rb"^HTTP/\d(?:\.\d)? (\d{3})", re.MULTILINE)
DESTINATION = re.compile(
    rb"^(?:location|refresh|content-location|link): *(.*?)\r?$", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True)
class Target:
    """An edge of its own, and a token of a campaign with the links `URLS`."""

    edge: EdgeProcess
    workers: list[int]
    token: bytes

    async def exchange(self, sent: bytes, idle_seconds: float = TIMEOUT_SECONDS) -> bytes:
        """Send bytes, and return all bytes that come back until the edge ends the connection.

        The edge does so after a request with `Connection: close`, and if it cannot read the
        bytes. If it still waits for more after `idle_seconds`, there is no more.
        """
        received = b""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.edge.port)
            try:
                writer.write(sent)
                while portion := await _read(reader, idle_seconds):
                    received += portion
            except TimeoutError:
                pass
            except ConnectionError:  # reset, because the edge has not read all bytes
                pass
            finally:
                writer.close()
        return received

    def check_alive(self) -> None:
        """Check that no process has ended, and that none has logged an error."""
        assert self.edge.process.poll() is None
        assert self.edge.workers() == self.workers
        log = self.edge.log_file.read_text()
        assert '"error"' not in log, log[-3_000:]
        assert "Traceback" not in log, log[-3_000:]
        assert "panicked" not in log, log[-3_000:]


async def _read(reader: asyncio.StreamReader, seconds: float) -> bytes:
    async with asyncio.timeout(seconds):
        return await reader.read(PORTION)


@pytest.fixture(scope="module")
async def target(
    authority: RunningAuthority, edge_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Target]:
    """An edge of its own, whose log has nothing of other tests."""
    keys = await make_tenant(authority)
    async with authority.client(keys.sender_key) as sender:
        mailing = await send(sender, ["ann"])
    with EdgeProcess(
        tmp_path_factory.mktemp("fuzzed"),
        authority.target,
        edge_key,
        "--trusted-proxies=127.0.0.1/32",
        "--workers=1",
    ) as edge:
        yield Target(edge, edge.workers(), mailing.tokens["ann"].encode())


def link_of(target: Target, path: bytes) -> bytes | None:
    """Return the URL to which a path may redirect; None if it is not the path of a link."""
    # The absolute form of RFC 9112, 3.2.2. The edge ignores the scheme, valid or not, and the host.
    path = re.sub(rb"^[a-z0-9+.-]+://[^/?#]*", b"", path, flags=re.IGNORECASE)
    found = LINK.match(unquote_to_bytes(re.split(rb"[?#]", path)[0]))
    if found is None or int(found[2]) > len(URLS):
        return None
    # Number 0, the trap link, leads to the first link.
    number = int(found[2]) or 1
    # Of the characters that name the campaign, one may be wrong.
    header = re.sub(rb"[^A-Za-z0-9_-]", b"", found[1])[NAMES_CAMPAIGN].lower()
    expected = target.token[NAMES_CAMPAIGN].lower()
    if len(header) != len(expected) or sum(map(ne, header, expected)) > 1:
        return None
    return URLS[number - 1].encode()


def check_response(received: bytes, url: bytes | None) -> None:
    """Check that no response is a server error or redirects, except to `url`."""
    statuses = [int(status) for status in STATUS.findall(received)]
    assert all(status < 500 for status in statuses), received[:500]
    destinations = DESTINATION.findall(received)
    assert set(destinations) <= {url}, received[:500]
    redirects = [status for status in statuses if 300 <= status < 400]
    assert len(redirects) == len(destinations)


@seed(FIRST_SEED)
@FUZZ
@given(data=st.data())
async def test_any_path_is_a_link_or_harmless(target: Target, data: st.DataObject) -> None:
    """Whatever path, method and headers are, only a link redirects, and to its URL."""
    path = data.draw(paths(target.token))
    method = data.draw(st.sampled_from([b"GET"] * 30 + [*METHODS, b"X-ANY"]))
    headers = data.draw(header_lines) if data.draw(st.integers(0, 3)) == 0 else []
    received = await target.exchange(request(method, path, headers), 0.3)
    check_response(received, link_of(target, path))
    target.check_alive()


@seed(FIRST_SEED)
@FUZZ
@given(data=st.data())
async def test_a_link_redirects_whatever_is_appended(target: Target, data: st.DataObject) -> None:
    """A query changes neither the destination nor the kind of the response."""
    number = data.draw(st.integers(1, len(URLS)))
    appended = data.draw(queries)
    method = data.draw(st.sampled_from([b"GET", b"HEAD"]))
    path = b"/c/" + target.token + b"/" + str(number).encode() + b"?" + appended
    received = await target.exchange(request(method, path, []))
    assert STATUS.findall(received) == [b"302"]
    assert DESTINATION.findall(received) == [URLS[number - 1].encode()]
    target.check_alive()


@seed(FIRST_SEED)
@FUZZ
@given(data=st.data())
async def test_any_bytes_are_harmless(target: Target, data: st.DataObject) -> None:
    """Whatever the bytes are, there is no server error and no redirect to another place."""
    received = await target.exchange(data.draw(raw_bytes(target.token)), 0.05)
    assert all(int(status) < 500 for status in STATUS.findall(received)), received[:500]
    assert set(DESTINATION.findall(received)) <= {url.encode() for url in URLS}, received[:500]
    target.check_alive()


async def test_every_link_still_redirects(target: Target) -> None:
    """After all these requests, each link redirects to its URL."""
    for number, url in enumerate(URLS, 1):
        path = b"/c/" + target.token + b"/" + str(number).encode()
        received = await target.exchange(request(b"GET", path, []))
        assert (STATUS.findall(received), DESTINATION.findall(received)) == (
            [b"302"],
            [url.encode()],
        )
