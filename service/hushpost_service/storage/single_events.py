"""Writes the few events of single calls, in one round trip."""

from collections.abc import Sequence
from itertools import pairwise

from hushpost_service.domain.counters import SingleEvent, SlotKey
from hushpost_service.storage.array_text import array_text
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.recording import insert_slot_bits
from hushpost_service.storage.sql.single_events import WRITE_SINGLE_EVENTS

__all__ = ["write_single_events"]


async def write_single_events(
    connection: Connection, tenant: int, events: Sequence[SingleEvent], keys: Sequence[SlotKey]
) -> None:
    """Mark slots, add to counters, insert identified events.

    Args:
        connection: The connection of the transaction.
        tenant: The tenant.
        events: The events, at least one, sorted.
        keys: Sorted keys of the identified slots.
    """
    # The slot of an event is its first six fields.
    is_earliest = [True]
    is_earliest += [event[:6] != before[:6] for before, event in pairwise(events)]
    columns = [array_text(column) for column in (*zip(*events, strict=True), is_earliest)]
    while not await connection.fetchval(WRITE_SINGLE_EVENTS, tenant, *columns):
        # A bitmap that was empty has been deleted.
        await insert_slot_bits(connection, tenant, keys)
