"""Measures an operation of the service: its time, the buffers it touches, and its plans."""

import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg

from hushpost_service.storage.connection_settings import CONNECTION_SETTINGS
from hushpost_service.storage.database import Database

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
    LoggedQuery = asyncpg.connection.LoggedQuery
else:
    Connection = LoggedQuery = object

__all__ = ["Measured", "Meter", "opened_meter"]

_PLANNED = re.compile(r"\s*(select|with|insert|update|delete)\b")
_MONTH = re.compile(r"events_\d{4}_\d{2}")
_TIMEOUT_SECONDS = 900

_BUFFERS = """
select blks_hit + blks_read from pg_stat_database where datname = $1
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What an operation took.

    Attributes:
        seconds: From its begin to its end.
        buffers: Pages that it read or changed, those of the catalogs included.
        nodes: The types of the nodes in the plans of its statements.
        indexes: The indexes in these plans; those of all months of events have one name.
    """

    seconds: float
    buffers: int
    nodes: tuple[str, ...]
    indexes: tuple[str, ...]


class Meter:
    """Runs operations on a database that nothing else uses, with one connection.

    PostgreSQL counts the buffers of a database, including those of planning, triggers and
    `vacuum`, which plans do not show.
    """

    def __init__(
        self, database: Database, observer: Connection, planner: Connection, name: str
    ) -> None:
        """Take the measured pool, and two connections: of another database, and of this one."""
        self.database = database
        self._observer = observer
        self._planner = planner
        self._name = name
        self._queries: dict[str, None] = {}

    def note_query(self, query: LoggedQuery) -> None:
        """Note a statement that was executed, to explain it later."""
        if ";" not in query.query and _PLANNED.match(query.query):
            self._queries[query.query] = None

    async def measure(self, work: Callable[[], Awaitable[object]]) -> Measured:
        """Run an operation and measure it."""
        before = await self._buffers()
        self._queries.clear()
        start = time.monotonic()
        await work()
        seconds = time.monotonic() - start
        queries = list(self._queries)
        buffers = await self._buffers() - before
        nodes: set[str] = set()
        indexes: set[str] = set()
        for query in queries:
            for node in _nodes(await self._plan(query)):
                nodes.add(node["Node Type"])
                if "Index Name" in node:
                    indexes.add(_MONTH.sub("events", node["Index Name"]))
        await self._planner.execute("select pg_stat_force_next_flush()")
        return Measured(seconds, buffers, tuple(sorted(nodes)), tuple(sorted(indexes)))

    async def _buffers(self) -> int:
        async with self.database.connection("flush statistics") as connection:
            await connection.execute("select pg_stat_force_next_flush()")
        count: int = await self._observer.fetchval(_BUFFERS, self._name)
        return count

    async def _plan(self, query: str) -> dict[str, Any]:
        """Return the generic plan of a statement; nothing if it was on a dropped partition."""
        try:
            await self._planner.execute(f"prepare explained as {query}")
        except asyncpg.UndefinedTableError:
            return {}
        try:
            count = await self._planner.fetchval(
                "select cardinality(parameter_types) from pg_prepared_statements"
                " where name = 'explained'"
            )
            arguments = f"({', '.join(['null'] * count)})" if count else ""
            plan = await self._planner.fetchval(
                f"explain (format json) execute explained{arguments}"
            )
        finally:
            await self._planner.execute("deallocate explained")
        root: dict[str, Any] = json.loads(plan)[0]["Plan"]
        return root


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if plan:
        yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


@asynccontextmanager
async def opened_meter(uri: str, server: str) -> AsyncIterator[Meter]:
    """Yield a meter of a database.

    Args:
        uri: The address of the database.
        server: The address of another database on the same server.
    """
    meters: list[Meter] = []

    async def log_queries(connection: Any) -> None:
        connection.add_query_logger(lambda query: meters[0].note_query(query) if meters else None)

    observer = await asyncpg.connect(server)
    planner = await asyncpg.connect(uri, server_settings=CONNECTION_SETTINGS)
    pool = await asyncpg.create_pool(
        uri,
        min_size=1,
        max_size=1,
        command_timeout=_TIMEOUT_SECONDS,
        reset=_keep_session,
        init=log_queries,
        server_settings=CONNECTION_SETTINGS,
    )
    name = await planner.fetchval("select current_database()")
    meters.append(Meter(Database(pool), observer, planner, name))
    try:
        yield meters[0]
    finally:
        await pool.close()
        await planner.close()
        await observer.close()


async def _keep_session(_: Any) -> None:
    """Keep the plans of prepared statements, as the service does."""
