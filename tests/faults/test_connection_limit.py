"""An authority opens as many database connections as its pages say, and no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from hushpost.v1 import campaign_pb2
from hushpost_service.admin.auth import KEY_CONNECTIONS
from hushpost_service.admin.secret import new_secret
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority, make_tenant
from tests.docs.test_connection_figures import BEYOND
from tests.faults.connection_counts import sessions
from tests.inspection import Connection, connected
from tests.mailing import eventually
from tests.wire import Wire

CONNECTIONS = 4
REFUSALS = 120
"""More than the refused calls of a source that are answered at once."""

REQUEST = campaign_pb2.ListCampaignsRequest()


@asynccontextmanager
async def locked(connection: Connection, table: str) -> AsyncIterator[None]:
    """Let statements on a table wait until the block ends."""
    async with connection.transaction():
        await connection.execute(f"lock table {table} in access exclusive mode")
        yield


async def test_no_more_connections_are_opened_than_documented(tmp_path: Path) -> None:
    """With all connections in use: those of `--connections`, those for API keys, and the probe."""
    async with AsyncExitStack() as stack:
        process = stack.enter_context(AuthorityProcess(tmp_path, f"--connections={CONNECTIONS}"))
        authority = RunningAuthority.of(process)
        keys = await make_tenant(authority)
        wire = await stack.enter_async_context(Wire(process.target))
        watching = await stack.enter_async_context(connected(process.data_dir))
        locking = [await stack.enter_async_context(connected(process.data_dir)) for _ in range(2)]
        calls: list[Any] = []

        def call(key: str) -> None:
            calls.append(asyncio.ensure_future(wire.call("ListCampaigns", REQUEST, key)))

        async def waits_for(count: int) -> None:
            async def waits() -> bool:
                return await sessions(watching, waiting=True) == count

            await eventually(waits, f"{count} connections wait for a lock")

        async with locked(locking[0], "campaigns"):
            for _ in range(2 * CONNECTIONS):
                call(keys.sender_key)
            await waits_for(CONNECTIONS)
            async with locked(locking[1], "api_keys"):
                # The check of cached keys, and the look-ups of keys that are not suspicious.
                for _ in range(4):
                    call(new_secret())
                await waits_for(CONNECTIONS + KEY_CONNECTIONS - 1)
                malformed = [wire.call("ListCampaigns", REQUEST, "hp_no") for _ in range(REFUSALS)]
                done = await asyncio.gather(*malformed, return_exceptions=True)
                assert {type(error) for error in done} == {grpc.aio.AioRpcError}
                call(new_secret())  # from a source of wrong keys
                await waits_for(CONNECTIONS + KEY_CONNECTIONS)

                assert await sessions(watching) == CONNECTIONS + BEYOND
        await asyncio.gather(*calls, return_exceptions=True)
