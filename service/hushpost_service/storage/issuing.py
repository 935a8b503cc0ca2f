"""Queries about issuing tokens: issue keys, contacts issued to, messages with a slot."""

from typing import NamedTuple

import numpy as np
from asyncpg import BitString

from hushpost_service.domain.events import Numbers
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import issuing as sql

__all__ = [
    "IssuingState",
    "add_issued",
    "add_moved_slot",
    "insert_issue_key",
    "issuing_state",
    "leave_gaps",
    "mark_issued",
    "wrapped_issue_key",
]

_BLOCK = 512
"""Contacts whose marks share a row."""


class IssuingState(NamedTuple):
    """What issuing tokens of a campaign depends on.

    Attributes:
        is_closed: Whether the campaign is closed.
        issue_key_digest: The digest of its issue key.
        wrapped_key: The issue key, encrypted for the API key; None if there is none for it.
        expected_messages: How many messages the sender expects in the group.
    """

    is_closed: bool
    issue_key_digest: bytes
    wrapped_key: bytes | None
    expected_messages: int


async def issuing_state(
    connection: Connection, tenant: int, campaign: int, group: int, api_key: int
) -> IssuingState:
    """Return the state of a campaign for a group and an API key."""
    row = await connection.fetchrow(sql.ISSUING_STATE, tenant, campaign, group, api_key)
    assert row is not None  # noqa: S101 - campaigns are never deleted
    return IssuingState(*row)


async def wrapped_issue_key(
    connection: Connection, tenant: int, campaign: int, api_key: int
) -> bytes | None:
    """Return the issue key of a campaign as it is encrypted for an API key, or None."""
    key: bytes | None = await connection.fetchval(sql.WRAPPED_KEY, tenant, campaign, api_key)
    return key


async def insert_issue_key(
    connection: Connection, tenant: int, campaign: int, api_key: int, wrapped_key: bytes
) -> None:
    """Store the issue key of a campaign as it is encrypted for an API key."""
    await connection.execute(sql.INSERT_ISSUE_KEY, tenant, campaign, api_key, wrapped_key)


async def mark_issued(
    connection: Connection, tenant: int, campaign: int, contacts: Numbers
) -> Numbers:
    """Mark contacts as issued to; return those that were marked before.

    Others that mark the same contacts wait for the commit.
    """
    blocks, row = np.unique(contacts // _BLOCK, return_inverse=True)
    marks = np.zeros((len(blocks), _BLOCK), np.bool_)
    marks[row, contacts % _BLOCK] = True
    bits = [BitString.frombytes(each.tobytes()) for each in np.packbits(marks, axis=1)]
    rows = await connection.fetch(sql.MARK_ISSUED, tenant, campaign, blocks.tolist(), bits)
    before = {block: bits.bytes for block, bits in rows}
    packed = np.frombuffer(b"".join(map(before.__getitem__, blocks.tolist())), np.uint8)
    was_marked = np.unpackbits(packed).reshape(marks.shape)[row, contacts % _BLOCK]
    marked: Numbers = contacts[was_marked == 1]
    return marked


async def add_issued(
    connection: Connection, tenant: int, campaign: int, group: int, slots: int
) -> int:
    """Add to the number of slots of a group's messages; return the new number."""
    count: int = await connection.fetchval(sql.ADD_ISSUED, tenant, campaign, group, slots)
    return count


async def add_moved_slot(connection: Connection, tenant: int, campaign: int, group: int) -> int:
    """Add to the slots of a group that were given to moved events; return their number."""
    count: int = await connection.fetchval(sql.ADD_MOVED_SLOT, tenant, campaign, group)
    return count


async def leave_gaps(connection: Connection) -> None:
    """Give later messages of all groups indexes that no message had which the database has lost."""
    await connection.execute(sql.LEAVE_GAPS)
