"""Refusals of calls that gRPC does not handle yet."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from hushpost_service.rpc.early_refusals import EarlyRefusals, Refusal

REFUSAL = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many", ())


class Server:
    """A server whose calls are strings; those that begin with "refused" are refused."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[str | Exception] = asyncio.Queue()
        self.refused: list[str] = []
        self.clients_receive = asyncio.Event()
        self.is_running = True
        self.refusals = EarlyRefusals(
            self._accept, self._refuse, self._send, lambda: self.is_running
        )

    def receive(self, *calls: str | Exception) -> None:
        """Let calls arrive."""
        for call in calls:
            self.calls.put_nowait(call)

    async def next_admitted(self) -> str:
        """Return the next call that is passed on."""
        async with asyncio.timeout(5):
            call: str = await self.refusals.next_admitted()
            return call

    def tasks(self) -> list[asyncio.Task[object]]:
        """Return the tasks that wait for calls, or for clients."""
        return [task for task in asyncio.all_tasks() if "EarlyRefusals" in repr(task.get_coro())]

    async def _accept(self) -> str:
        call = await self.calls.get()
        if isinstance(call, Exception):
            raise call
        return call

    def _refuse(self, call: str) -> Refusal | None:
        if call.startswith("faulty"):
            raise ValueError
        return REFUSAL if call.startswith("refused") else None

    async def _send(self, call: str, refusal: Refusal) -> None:
        assert refusal is REFUSAL
        self.refused.append(call)
        await self.clients_receive.wait()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server without calls."""
    server = Server()
    yield server
    for task in server.tasks():
        task.cancel()


async def test_calls_that_are_not_refused_are_passed_on_in_order(server: Server) -> None:
    """Each call is passed on once, or refused once."""
    server.receive("1", "refused", "2", "3", "refused too", "4")
    assert [await server.next_admitted() for _ in range(4)] == ["1", "2", "3", "4"]
    assert server.refused == ["refused", "refused too"]


async def test_clients_that_receive_no_refusal_delay_no_others(server: Server) -> None:
    """Calls are accepted while clients of any number of refused calls do not read the status."""
    server.receive(*(f"refused {number}" for number in range(500)), "admitted")
    assert await server.next_admitted() == "admitted"
    assert len(server.refused) == 500


async def test_tasks_end_after_a_flood(server: Server) -> None:
    """When clients have received their refusals, only a few tasks wait for calls."""
    server.receive(*(f"refused {number}" for number in range(500)), "admitted")
    await server.next_admitted()
    server.clients_receive.set()
    server.receive(*(f"refused again {number}" for number in range(500)), "admitted")
    assert len(server.tasks()) > 500
    await server.next_admitted()
    assert len(server.tasks()) < 50
    assert len(server.refused) == 1000


async def test_calls_that_are_not_taken_wait_in_grpc(server: Server) -> None:
    """A flood of calls that are not refused is accepted no faster than gRPC handles it."""
    server.receive(*(f"call {number}" for number in range(1000)), "refused", "last")
    assert await server.next_admitted() == "call 0"
    for _ in range(1000):
        await asyncio.sleep(0)
    assert server.calls.qsize() > 850
    taken = [await server.next_admitted() for _ in range(999)]
    assert taken == [f"call {number}" for number in range(1, 1000)]
    assert await server.next_admitted() == "last"
    assert server.refused == ["refused"]


async def test_a_failing_decision_passes_the_call_on(server: Server) -> None:
    """Calls about which no decision can be made end no task that accepts calls."""
    server.receive(*(f"faulty {number}" for number in range(100)), "refused", "last")
    taken = [await server.next_admitted() for _ in range(101)]
    assert taken == [*(f"faulty {number}" for number in range(100)), "last"]
    assert server.refused == ["refused"]


async def test_an_error_is_passed_on(server: Server) -> None:
    """Exceptions of accepting are passed on, and the calls after them."""
    server.receive(*(ValueError(str(number)) for number in range(20)), "call")
    for number in range(20):
        with pytest.raises(ValueError, match=f"^{number}$"):
            await server.next_admitted()
    assert await server.next_admitted() == "call"


async def test_no_calls_are_accepted_after_the_server_has_stopped(server: Server) -> None:
    """Tasks end once the server does not run, also while refusals are being sent."""
    server.receive(*(f"refused {number}" for number in range(20)), "admitted")
    await server.next_admitted()
    server.is_running = False
    server.receive(*(ValueError("stopped") for _ in range(50)))
    server.clients_receive.set()
    _, pending = await asyncio.wait(server.tasks(), timeout=5)
    assert not pending
