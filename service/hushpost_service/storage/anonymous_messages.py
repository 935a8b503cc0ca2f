"""Queries about how many ANONYMOUS messages contacts got."""

from collections.abc import Iterable

import numpy as np

from hushpost_service.domain.message_budget import COUNTED_PERIODS
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import anonymous_messages as sql

__all__ = ["count_messages", "delete_old_counts"]

_BLOCK = 512
"""Contacts whose counts share a row."""

_COUNTS = np.dtype("<u2")


async def count_messages(
    connection: Connection, tenant: int, period: int, contacts: Iterable[int], limit: int
) -> set[int]:
    """Count a message for each contact below the limit; return the others.

    Concurrent calls for the same contacts wait for each other until the commit.
    """
    by_block: dict[int, list[int]] = {}
    for contact in contacts:
        by_block.setdefault(contact // _BLOCK, []).append(contact % _BLOCK)
    blocks = sorted(by_block)
    zeros = bytes(_BLOCK * _COUNTS.itemsize)
    await connection.execute(sql.INSERT_MISSING_BLOCKS, tenant, period, blocks, zeros)
    rows = await connection.fetch(sql.LOCK_BLOCKS, tenant, period, blocks, COUNTED_PERIODS - 1)
    totals = {block: np.zeros(_BLOCK, np.int64) for block in blocks}
    current = {}
    for block, of_period, messages in rows:
        counts = np.frombuffer(messages, _COUNTS)
        totals[block] += counts
        if of_period == period:
            current[block] = counts.copy()
    above = set()
    for block, places in by_block.items():
        is_above = totals[block][places] >= limit
        current[block][np.array(places)[~is_above]] += 1
        above |= {block * _BLOCK + place for place in np.array(places)[is_above].tolist()}
    counted = [current[block].tobytes() for block in blocks]
    await connection.execute(sql.SET_COUNTS, tenant, period, blocks, counted)
    return above


async def delete_old_counts(connection: Connection, tenant: int, period: int) -> None:
    """Delete the counts of a tenant that no longer matter in a period."""
    await connection.execute(sql.DELETE_OLD_COUNTS, tenant, period - COUNTED_PERIODS + 1)
