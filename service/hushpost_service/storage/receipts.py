"""Receipts: which requests have been carried out, so that each counts once."""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import receipts as sql

__all__ = [
    "INSTALLATION",
    "PERIOD_SECONDS",
    "Method",
    "file_receipt",
    "file_receipts",
    "is_known",
    "periods",
    "subject",
]

PERIOD_SECONDS = 7 * 24 * 3600
"""A period is a week; a receipt holds for its period and the next one."""

INSTALLATION = 0
"""The tenant of requests that belong to none."""

_OVERLAP_SECONDS = 3600


class Method(IntEnum):
    """The RPCs whose requests leave receipts. Stored: never renumber."""

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
    """Return the period to look into, and those to file receipts in.

    In the first hour of a period the receipts are filed in the period before as
    well: there they collide with those of a transaction that began earlier and
    has not committed yet. Later, what the period before holds can be read. So
    no repetition slips through between two partitions.
    """
    seconds = int(now.timestamp())
    period = seconds // PERIOD_SECONDS
    if seconds % PERIOD_SECONDS < _OVERLAP_SECONDS:
        return period - 1, [period - 1, period]
    return period - 1, [period]


async def file_receipts(
    connection: Connection,
    tenant: int,
    requests: Sequence[tuple[Method, UUID]],
    now: datetime,
    subject: int | None = None,
) -> set[int]:
    """File receipts of distinct requests; return the positions of the new ones."""
    before, current = periods(now)
    methods = [method for method, _ in requests]
    ids = [request for _, request in requests]
    rows = await connection.fetch(sql.FILE_RECEIPTS, tenant, methods, ids, before, current, subject)
    return {position for (position,) in rows}


async def file_receipt(
    connection: Connection,
    tenant: int,
    method: Method,
    request: UUID | None,
    now: datetime,
    subject: int | None = None,
) -> bool:
    """File one receipt; tell whether the request is new. None always is."""
    if request is None:
        return True
    return bool(await file_receipts(connection, tenant, [(method, request)], now, subject))


async def is_known(connection: Connection, tenant: int, method: Method, request: UUID) -> bool:
    """Tell whether a request has been carried out."""
    rows = await connection.fetch(sql.RECEIPT_SUBJECT, tenant, method, request)
    return bool(rows)


async def subject(connection: Connection, tenant: int, method: Method, request: UUID) -> int | None:
    """Return the number of what a request that was carried out has made."""
    number: int | None = await connection.fetchval(sql.RECEIPT_SUBJECT, tenant, method, request)
    return number
