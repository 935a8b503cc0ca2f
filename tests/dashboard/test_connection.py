"""Clients of the authority: one per API key, bounded in number."""

import asyncio
from typing import cast

import pytest

from hushpost_client import Hushpost
from hushpost_dashboard.connection import AuthorityClients, TooManyClientsError


class FakeClient:
    """A client that knows whether it was closed."""

    def __init__(self, api_key: str) -> None:
        self.api_key = api_key
        self.is_closed = False

    async def close(self) -> None:
        """Close."""
        await asyncio.sleep(0)
        self.is_closed = True


class Pool:
    """Clients under test, with a clock that tests set."""

    def __init__(self) -> None:
        self.now = 0.0
        self.created: list[FakeClient] = []
        self.clients = AuthorityClients(self._create, lambda: self.now)

    def _create(self, api_key: str) -> Hushpost:
        self.created.append(FakeClient(api_key))
        return cast("Hushpost", self.created[-1])

    @property
    def open(self) -> list[str]:
        """The keys of the clients that are open."""
        return [client.api_key for client in self.created if not client.is_closed]


async def test_requests_with_one_key_share_a_client() -> None:
    """Also if they run at the same time."""
    pool = Pool()

    async def use() -> Hushpost:
        async with pool.clients.of_key("a") as client:
            await asyncio.sleep(0)
            return client

    assert len(set(await asyncio.gather(*(use() for _ in range(10))))) == 1
    assert pool.open == ["a"]


async def test_unused_clients_are_closed() -> None:
    """Five minutes after the last use, but never while they are used."""
    pool = Pool()
    async with pool.clients.of_key("used"):
        async with pool.clients.of_key("left"):
            pass
        pool.now += 301
        async with pool.clients.of_key("new"):
            assert pool.open == ["used", "new"]
    await pool.clients.close()
    assert pool.open == []


async def test_the_number_of_clients_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was used longest ago makes room; if all are used, the request fails."""
    monkeypatch.setattr("hushpost_dashboard.connection._MAX_CLIENTS", 2)
    pool = Pool()
    for key in "ab":
        async with pool.clients.of_key(key):
            pass
    async with pool.clients.of_key("c"):
        assert pool.open == ["b", "c"]
        async with pool.clients.of_key("d"):
            assert pool.open == ["c", "d"]
            with pytest.raises(TooManyClientsError):
                async with pool.clients.of_key("e"):
                    pass
        async with pool.clients.of_key("c"):
            pass


async def test_keys_that_come_at_the_same_time_do_not_exceed_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While one request closes a client, others may have taken its place."""
    monkeypatch.setattr("hushpost_dashboard.connection._MAX_CLIENTS", 3)
    pool = Pool()
    most = 0

    async def use(key: str) -> None:
        nonlocal most
        try:
            async with pool.clients.of_key(key):
                most = max(most, len(pool.open))
                await asyncio.sleep(0)
        except TooManyClientsError:
            pass

    for _ in range(3):
        await asyncio.gather(*(use(f"{number}") for number in range(12)))
    assert most <= 3
