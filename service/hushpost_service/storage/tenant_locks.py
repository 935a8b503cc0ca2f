"""The advisory locks of a tenant: of recording, and of anonymization.

Recording transactions share a lock that transactions which tighten consent or policy take
exclusively. Advisory locks, because they write no WAL.

In a distributed database the locks are taken on the worker that has the rows of the tenant. An
advisory lock is known to one server only. One on the coordinator would end before the commit
reaches a worker that has just failed, and would not survive a failover of the coordinator.
"""

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import BEGIN
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.sql import tenant_locks as sql

__all__ = [
    "RECORDING_LOCK",
    "begin_anonymizing",
    "begin_recording",
    "lock_recording",
    "share_recording",
]

RECORDING_LOCK = 0x4855_5245
"""First key of the advisory locks of recording ("HURE"); the second is the tenant."""

_ANONYMIZATION_LOCK = 0x4855_414E
"""First key of the advisory locks of anonymization ("HUAN"); the second is the tenant."""

_PARAMETER = "$1::integer"


def begin_recording(kind: DatabaseKind, tenant: int) -> str:
    """Return the script that begins a recording transaction of a tenant."""
    return _begin(kind, sql.SHARED, RECORDING_LOCK, tenant)


def begin_anonymizing(kind: DatabaseKind, tenant: int) -> str:
    """Return the script that begins an anonymizing transaction.

    Such transactions of one tenant run one at a time: one that finds no more events knows that
    the others have committed.
    """
    return _begin(kind, sql.EXCLUSIVE, _ANONYMIZATION_LOCK, tenant)


async def lock_recording(connection: Connection, kind: DatabaseKind, tenant: int) -> None:
    """Wait for the tenant's recording transactions, and block new ones until the commit.

    Call it last in a transaction that tightens consent or policy.
    """
    await connection.execute(_lock(kind, sql.EXCLUSIVE, RECORDING_LOCK, _PARAMETER), tenant)


async def share_recording(connection: Connection, kind: DatabaseKind, tenant: int) -> None:
    """Take the lock that recording transactions have, until the commit.

    Consent and policy do not become stricter until then, and what the next statements read
    of them is current. Call it last in a transaction, apart from these statements: waiting
    for row locks afterwards can be a deadlock.
    """
    await connection.execute(_lock(kind, sql.SHARED, RECORDING_LOCK, _PARAMETER), tenant)


def _begin(kind: DatabaseKind, function: str, lock: int, tenant: int) -> str:
    statements = [BEGIN, _lock(kind, function, lock, f"{tenant:d}")]
    if kind is DatabaseKind.DISTRIBUTED:
        # The others have written before.
        statements.insert(1, sql.HOLD_TENANT.format(tenant=tenant))
    return "; ".join(statements)


def _lock(kind: DatabaseKind, function: str, lock: int, tenant: str) -> str:
    key = function.format(lock=lock, tenant=tenant)
    if kind is DatabaseKind.DISTRIBUTED:
        return sql.LOCK_TENANT_KEY_ON_WORKER.format(key=key, tenant=tenant)
    return sql.LOCK_TENANT_KEY.format(key=key)
