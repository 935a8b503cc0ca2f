"""The pool of connections, named transactions, and one boundary for its errors."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

import asyncpg
import structlog
from prometheus_client import Counter

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.server_settings import OF_SESSIONS

__all__ = ["BEGIN", "Database"]

BEGIN = "begin isolation level read committed"
"""What a transaction starts with. Said outright: a server may have another default,
under which a statement would not see what was committed before it."""

T = TypeVar("T")

_log = structlog.get_logger(__name__)

_RETRIES = Counter(
    "hushpost_transaction_retries_total",
    "Transactions run again after a deadlock.",
    ["name"],
)
_FAILURES = Counter(
    "hushpost_transaction_failures_total",
    "Transactions that failed.",
    ["name", "cause"],
)
_ATTEMPTS = 5
_CONNECT_SECONDS = 5
_STATEMENT_SECONDS = 30

_UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
_COLLISION = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class Database:
    """PostgreSQL, through a pool that reconnects by itself.

    Every failure leaves as a HushpostError: DATABASE_UNAVAILABLE where trying
    again helps, INTERNAL otherwise. The driver's words, which may quote values,
    go nowhere: the log gets the kind of the failure and the SQLSTATE.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    @classmethod
    async def connect(cls, dsn: str, *, connections: int) -> Self:
        """Open a pool of that many connections."""
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=connections,
            timeout=_CONNECT_SECONDS,
            command_timeout=_STATEMENT_SECONDS,
            # Nothing is ever set on a session, so there is nothing to reset, and
            # a round trip per transaction to save.
            reset=_leave_as_is,
            server_settings={
                **OF_SESSIONS,
                "application_name": "hushpost",
                "jit": "off",
                # Else PostgreSQL makes a plan for the parameters at hand whenever it
                # guesses that to be better, which takes as long as a small commit.
                "plan_cache_mode": "force_generic_plan",
                # Statements are prepared once and their plans kept. One made while a
                # table was still empty would read the whole table ever after;
                # every statement here has an index to go by.
                "enable_seqscan": "off",
                # Of columns that name contacts there are no statistics, and the
                # planner, which then expects a contact to have a great many events,
                # would read all of a tenant's in an index that has the contact last.
                "enable_indexonlyscan": "off",
            },
        )
        return cls(pool)

    async def close(self) -> None:
        """Close every connection."""
        self._pool.terminate()

    @asynccontextmanager
    async def connection(self, name: str) -> AsyncIterator[Connection]:
        """Lend a connection for statements that need no transaction."""
        try:
            async with self._pool.acquire() as connection:
                try:
                    yield connection
                except asyncpg.InterfaceError as error:
                    # Where the connection is well, it is we who misused it.
                    raise _translated(name, error, lost=connection.is_closed()) from None
        except HushpostError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary for the driver's errors
            lost = isinstance(error, _UNREACHABLE)
            raise _translated(name, error, lost=lost) from None

    async def transact(
        self,
        name: str,
        work: Callable[[Connection], Awaitable[T]],
        begin: str = BEGIN,
    ) -> T:
        """Run `work` in a transaction and return its result once that is durable.

        Runs it again after a deadlock. When the connection breaks while the
        commit is under way, nobody can know whether it came through:
        DATABASE_UNAVAILABLE then means "ask again with the same request_id".
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self.connection(name) as connection:
                    return await _transaction(connection, work, begin)
            except _CollisionError:
                _RETRIES.labels(name).inc()
                if attempt == _ATTEMPTS:
                    raise _translated(name, TimeoutError(), lost=True) from None
        raise AssertionError


class _CollisionError(HushpostError):
    """Two transactions collided; this one has left nothing."""


async def _transaction(
    connection: Connection, work: Callable[[Connection], Awaitable[T]], begin: str
) -> T:
    try:
        await connection.execute(begin)
        result = await work(connection)
        await connection.execute("commit")
    except BaseException as error:
        await _roll_back(connection)
        if isinstance(error, _COLLISION):
            raise _CollisionError(Reason.DATABASE_UNAVAILABLE, "collided") from None
        raise
    return result


async def _roll_back(connection: Connection) -> None:
    """Leave the connection without a transaction, or closed."""
    try:
        if not connection.is_closed():
            await connection.execute("rollback", timeout=5)
    except Exception:  # noqa: BLE001 - whatever it is, the connection is of no more use
        connection.terminate()


async def _leave_as_is(_: Any) -> None:
    """Do nothing."""


def _translated(name: str, error: Exception, *, lost: bool) -> HushpostError:
    """Return what a caller may know. `lost`: the database, or the way there, is away."""
    cause = type(error).__name__
    _FAILURES.labels(name, cause).inc()
    _log.error(
        "transaction failed",
        transaction=name,
        cause=cause,
        sqlstate=getattr(error, "sqlstate", None),
    )
    if lost:
        return HushpostError(
            Reason.DATABASE_UNAVAILABLE, "the database cannot be reached; try again"
        )
    return HushpostError(Reason.INTERNAL, "the authority failed; its log has the cause")
