"""Request ids (idempotency keys): a request that is retried is executed once."""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import request_ids as sql

__all__ = [
    "NO_TENANT",
    "PERIOD_SECONDS",
    "Method",
    "claim",
    "claim_many",
    "created_number",
    "is_claimed",
    "periods",
]

PERIOD_SECONDS = 7 * 24 * 3600
"""Length of a period. A request id stays claimed until the end of the following period."""

NO_TENANT = 0
"""The tenant under which requests that concern no tenant are stored."""

_OVERLAP_SECONDS = 3600


class Method(IntEnum):
    """The RPCs that accept a request id. The values are stored: never renumber them."""

    RECORD_OPEN = 1
    RECORD_CLICK = 2
    RECORD_EVENTS = 3
    SET_PREFERENCE = 4
    BATCH_SET_PREFERENCES = 5
    ERASE_CONTACT = 6
    CREATE_CAMPAIGN = 7
    EXTEND_CAMPAIGN = 8
    ISSUE_TOKENS = 9
    CREATE_TENANT = 10
    UPDATE_POLICY = 11
    CREATE_API_KEY = 12


def periods(now: datetime) -> tuple[int, list[int]]:
    """Return the period to search, and the periods to insert into.

    Uniqueness is only enforced within a partition, that is, within a period. Therefore a
    request id is also looked up in the previous period. During the first hour of a
    period it is inserted there too, so that it conflicts with the uncommitted row of a
    transaction that began before the period did.
    """
    seconds = int(now.timestamp())
    period = seconds // PERIOD_SECONDS
    if seconds % PERIOD_SECONDS < _OVERLAP_SECONDS:
        return period - 1, [period - 1, period]
    return period - 1, [period]


async def claim_many(
    connection: Connection,
    tenant: int,
    requests: Sequence[tuple[Method, UUID]],
    now: datetime,
    created: int | None = None,
) -> set[int]:
    """Claim distinct request ids; return the positions of those not claimed before.

    Args:
        connection: A connection in a transaction, which also executes the requests.
        tenant: The tenant.
        requests: The methods and request ids.
        now: The current time.
        created: The number of what the requests create, returned by `created_number`.
    """
    previous, current = periods(now)
    methods = [method for method, _ in requests]
    ids = [request for _, request in requests]
    rows = await connection.fetch(
        sql.CLAIM_REQUEST_IDS, tenant, methods, ids, previous, current, created
    )
    return {position for (position,) in rows}


async def claim(
    connection: Connection,
    tenant: int,
    method: Method,
    request: UUID | None,
    now: datetime,
    created: int | None = None,
) -> bool:
    """Claim one request id; return whether the request is new. Without an id it always is."""
    if request is None:
        return True
    return bool(await claim_many(connection, tenant, [(method, request)], now, created))


async def is_claimed(connection: Connection, tenant: int, method: Method, request: UUID) -> bool:
    """Return whether a request has been executed."""
    rows = await connection.fetch(sql.CREATED_NUMBER, tenant, method, request)
    return bool(rows)


async def created_number(
    connection: Connection, tenant: int, method: Method, request: UUID
) -> int | None:
    """Return the number of what an executed request created, or None."""
    number: int | None = await connection.fetchval(sql.CREATED_NUMBER, tenant, method, request)
    return number
