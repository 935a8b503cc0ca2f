"""Request ids (idempotency keys): a request that is retried is executed once."""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from hushpost_service.domain.request_contents import (
    content_digest,
    request_id_reused,
    stored_request_id,
    stored_request_text,
)
from hushpost_service.storage.array_text import array_text
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import request_ids as sql

__all__ = [
    "NO_TENANT",
    "PERIOD_SECONDS",
    "Method",
    "claim",
    "created_number",
    "is_claimed",
    "periods",
    "result",
    "set_result",
]

PERIOD_SECONDS = 7 * 24 * 3600
"""Length of a period. A request id stays claimed for at least one, see `partitions.py`."""

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
    ADD_TRACKING_DOMAIN = 13
    REMOVE_TRACKING_DOMAIN = 14


def periods(now: datetime) -> list[int]:
    """Return the periods to insert a request id into.

    Uniqueness is only enforced within a partition, that is, within a period. Therefore a
    request id is also looked up in all other periods. During the first hour of a period
    it is inserted into the previous one too, so that it conflicts with the uncommitted row
    of a transaction that began before the period did.
    """
    seconds = int(now.timestamp())
    period = seconds // PERIOD_SECONDS
    if seconds % PERIOD_SECONDS < _OVERLAP_SECONDS:
        return [period - 1, period]
    return [period]


async def claim(
    connection: Connection,
    tenant: int,
    method: Method,
    request: UUID | None,
    content: Mapping[str, object],
    now: datetime,
    created: int | None = None,
) -> bool:
    """Claim a request id; return whether the request is new. Without an id it always is.

    Args:
        connection: A connection in a transaction, which also executes the request.
        tenant: The tenant.
        method: The RPC.
        request: The request id.
        content: Everything that the request says, for `content_digest`.
        now: The current time.
        created: The number of what the request creates, returned by `created_number`.

    Raises REQUEST_ID_REUSED if the id was claimed by a request with other content.
    """
    if request is None:
        return True
    digest = content_digest(request, content)
    rows = await connection.fetch(
        sql.CLAIM_REQUEST_IDS,
        tenant,
        array_text([method.value]),
        array_text([stored_request_text(request)]),
        periods(now),
        created,
        digest,
    )
    if rows:
        return True
    earlier = await _executed(connection, tenant, method, request)
    if any(other != digest for _, other in earlier):
        raise request_id_reused()
    return False


async def is_claimed(connection: Connection, tenant: int, method: Method, request: UUID) -> bool:
    """Return whether a request has been executed."""
    return bool(await _executed(connection, tenant, method, request))


async def created_number(
    connection: Connection, tenant: int, method: Method, request: UUID, new: int | None = None
) -> int | None:
    """Return the number of what an executed request created, or None.

    `new` is the number that this transaction passed to `claim`. Around the start of a
    period, `claim` may insert a row with it although another row has the request.
    """
    numbers = [number for number, _ in await _executed(connection, tenant, method, request)]
    return next((number for number in numbers if number != new), None)


async def set_result(
    connection: Connection,
    tenant: int,
    method: Method,
    request: UUID,
    created: int | None,
    content: bytes,
) -> None:
    """Store what the response of a repeated call needs."""
    stored = stored_request_id(request)
    await connection.execute(sql.SET_RESULT, tenant, method, stored, created, content)


async def result(
    connection: Connection, tenant: int, method: Method, request: UUID
) -> tuple[int | None, bytes]:
    """Return what `set_result` stored for an executed request; (None, b"") if it did not."""
    row = await connection.fetchrow(sql.RESULT, tenant, method, stored_request_id(request))
    return (None, b"") if row is None else (row[0], row[1])


async def _executed(
    connection: Connection, tenant: int, method: Method, request: UUID
) -> list[tuple[int | None, bytes]]:
    stored = stored_request_id(request)
    rows = await connection.fetch(sql.EXECUTED_REQUEST, tenant, method, stored)
    return [(created, content) for created, content in rows]
