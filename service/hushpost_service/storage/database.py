"""The connection pool, transactions with retries, and the translation of driver errors."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self, TypeVar

import asyncpg
import structlog
from prometheus_client import Counter

from hushpost_runtime.call_id import call_id
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.connection_settings import settings_script
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.pool_use import PoolUse
from hushpost_service.storage.sql.replication import WAIT_FOR_STANDBYS

__all__ = ["BEGIN", "COMMIT", "CONFLICTS", "Database", "checking_replication", "count_retry"]

BEGIN = "begin isolation level read committed"
"""Begins a transaction. The isolation level is explicit, because a server may have a
stricter default, under which a statement would not see what was committed before it."""

COMMIT = f"{WAIT_FOR_STANDBYS}; commit"
"""Commits a transaction once everything that it has read is on the synchronous standbys."""

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
_ROLLBACK_SECONDS = 5


class _NotReplicatedError(Exception):
    """The transaction is committed on the primary, but perhaps not on a synchronous standby."""


_UNAVAILABLE = (
    _NotReplicatedError,
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)
_CANCELED_WAIT = "SyncRepWaitForLSN"
"""The function of PostgreSQL that warns that a wait for a synchronous standby was canceled."""
_LOST_WORKER = (
    "could not find valid entry for shard",
    "failure on connection marked as essential",
    "server closed the connection unexpectedly",
)
"""Begin messages of a distributed database, which have no SQLSTATE of their own, if a worker has
failed or its rows have moved."""
CONFLICTS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
"""Errors of a transaction that conflicted with another, and can be run again."""


class Database:
    """A pool of connections to PostgreSQL that reconnects after failures.

    Every failure is raised as a HushpostError: DATABASE_UNAVAILABLE if a retry may help,
    INTERNAL otherwise. The driver's message, which may quote values, is dropped; the log
    gets the exception type and the SQLSTATE.
    """

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        kind: DatabaseKind = DatabaseKind.SINGLE,
    ) -> None:
        self._pool = pool
        self.kind = kind
        self._callers = 0

    @classmethod
    async def connect(
        cls,
        dsn: str,
        *,
        connections: int,
        application_name: str = "hushpost",
        kind: DatabaseKind = DatabaseKind.SINGLE,
    ) -> Self:
        """Open a pool of at most `connections` connections, which have a name in PostgreSQL."""
        script = settings_script(kind)

        async def apply_settings(connection: Any) -> None:
            await connection.execute(script)

        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=connections,
            timeout=_CONNECT_SECONDS,
            command_timeout=_STATEMENT_SECONDS,
            init=apply_settings,
            # No session state is changed afterwards; a reset would cost a round trip each time.
            reset=_skip_reset,
            server_settings={"application_name": application_name},
        )
        return cls(pool, kind)

    async def close(self) -> None:
        """Close all connections."""
        self._pool.terminate()

    async def expire_connections(self) -> None:
        """Replace each connection when it is used next."""
        await self._pool.expire_connections()

    def use(self) -> PoolUse:
        """Return how the pool is used now."""
        limit = self._pool.get_max_size()
        idle = self._pool.get_idle_size()
        used = self._pool.get_size() - idle
        return PoolUse(used, idle, max(0, self._callers - limit), limit)

    @asynccontextmanager
    async def connection(self, name: str) -> AsyncIterator[Connection]:
        """Borrow a connection for statements that need no transaction.

        Args:
            name: Identifies the caller in metrics and logs.
        """
        self._callers += 1
        try:
            async with self._pool.acquire() as connection:
                try:
                    yield connection
                except asyncpg.ReadOnlySQLTransactionError:
                    # The server was demoted; the next connection finds the new primary.
                    connection.terminate()
                    raise
                except asyncpg.InterfaceError as error:
                    # If the connection is intact, the caller misused it.
                    raise _to_hushpost_error(
                        name, error, is_unavailable=connection.is_closed()
                    ) from None
        except HushpostError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary for the driver's errors
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # The driver has replaced the cancellation by an error of the clean-up.
                raise asyncio.CancelledError from None
            is_unavailable = isinstance(error, _UNAVAILABLE) or str(error).startswith(_LOST_WORKER)
            raise _to_hushpost_error(name, error, is_unavailable=is_unavailable) from None
        finally:
            self._callers -= 1

    async def transact(
        self,
        name: str,
        work: Callable[[Connection], Awaitable[T]],
        begin: str = BEGIN,
        commit: str = COMMIT,
    ) -> T:
        """Run `work` in a transaction; return its result once the commit is durable.

        Durable includes the synchronous standbys that PostgreSQL is configured to wait for,
        also for what other transactions committed before: `work` may find that it has nothing
        to do because an earlier call, which failed while it waited for a standby, did it.

        Runs `work` again after a deadlock. If the connection breaks during the commit, or the
        wait for a standby is canceled, the outcome is unknown: a caller that gets
        DATABASE_UNAVAILABLE should retry with the same request_id.

        Args:
            name: Identifies the transaction in metrics and logs.
            work: Executes statements on the connection. It may run several times.
            begin: The script that begins the transaction.
            commit: The script that commits it. A plain `commit` saves the database 25 µs, but
                waits for nothing if `work` has written nothing.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self.connection(name) as connection:
                    return await _transaction(connection, work, begin, commit)
            except _ConflictError:
                count_retry(name)
                if attempt == _ATTEMPTS:
                    raise _to_hushpost_error(name, TimeoutError(), is_unavailable=True) from None
        raise AssertionError


class _ConflictError(HushpostError):
    """The transaction was rolled back because of a deadlock or serialization failure."""


async def _transaction(
    connection: Connection, work: Callable[[Connection], Awaitable[T]], begin: str, commit: str
) -> T:
    try:
        await connection.execute(begin)
        result = await work(connection)
        with checking_replication(connection):
            await connection.execute(commit)
    except BaseException as error:
        await _roll_back(connection)
        if isinstance(error, CONFLICTS):
            raise _ConflictError(
                Reason.DATABASE_UNAVAILABLE, "the transaction conflicted with another"
            ) from None
        raise
    return result


def count_retry(name: str) -> None:
    """Count that a transaction is run again after a conflict."""
    _RETRIES.labels(name).inc()


@contextmanager
def checking_replication(connection: Connection) -> Iterator[None]:
    """Raise _NotReplicatedError if the wait of a commit for a synchronous standby was canceled.

    PostgreSQL then reports success, with no more than a warning: the commit is on the disk of
    the primary, but a failover would lose it.
    """
    functions = []

    def note(_: object, message: asyncpg.PostgresLogMessage) -> None:
        functions.append(message.server_source_function)

    connection.add_log_listener(note)
    try:
        yield
    finally:
        connection.remove_log_listener(note)
    if _CANCELED_WAIT in functions:
        raise _NotReplicatedError


async def _roll_back(connection: Connection) -> None:
    """Roll back, or close the connection if that fails."""
    try:
        if not connection.is_closed():
            await connection.execute("rollback", timeout=_ROLLBACK_SECONDS)
    except Exception:  # noqa: BLE001 - any failure makes the connection unusable
        connection.terminate()


async def _skip_reset(_: Any) -> None:
    """Do nothing."""


def _to_hushpost_error(name: str, error: Exception, *, is_unavailable: bool) -> HushpostError:
    """Count and log a failure; return the error for the caller."""
    cause = type(error).__name__
    _FAILURES.labels(name, cause).inc()
    _log.error(
        "transaction failed",
        transaction=name,
        cause=cause,
        sqlstate=getattr(error, "sqlstate", None),
    )
    if is_unavailable:
        return HushpostError(
            Reason.DATABASE_UNAVAILABLE,
            "the database cannot be reached; try again",
            call_id=call_id(),
        )
    return HushpostError(
        Reason.INTERNAL, "internal error; see the log of the authority", call_id=call_id()
    )
