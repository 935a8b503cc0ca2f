"""What the recorder reads and writes in its transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from asyncpg import BitString

from hushpost_service.policy import ContactPreference, DoNotTrack
from hushpost_service.storage.database import BEGIN
from hushpost_service.storage.sql import recording as sql
from hushpost_service.tally import CounterKey, EventRow, SlotKey, slot_bits

if TYPE_CHECKING:
    from hushpost_service.storage.database import Connection

__all__ = [
    "add_events",
    "begin_recording",
    "clear_slots",
    "drop_empty_counters",
    "insert_events",
    "lock_recording",
    "merge_slots",
    "preferences",
    "seen_slots",
]

_RECORDING_LOCK = 0x4855_5245
"""First key of the recording locks ("HURE"); the second is the tenant."""


def begin_recording(tenant: int) -> str:
    """Return the script that begins a recording transaction of a tenant."""
    return sql.BEGIN_RECORDING.format(begin=BEGIN, lock=_RECORDING_LOCK, tenant=tenant)


async def lock_recording(connection: "Connection", tenant: int) -> None:
    """Wait for the tenant's recording transactions and keep new ones waiting.

    To be called last before a commit that makes something stricter.
    """
    await connection.execute(sql.LOCK_RECORDING.format(lock=_RECORDING_LOCK), tenant)


async def preferences(
    connection: "Connection", tenant: int, contacts: Sequence[int], oldest: datetime
) -> tuple[int, dict[int, ContactPreference]]:
    """Return the version of the policy in force, and preferences by contact.

    Contacts that do not exist are left out. Changes before `oldest`, the
    creation of the oldest campaign in question, need not be told apart.
    """
    rows = await connection.fetch(sql.PREFERENCES, tenant, contacts, oldest)
    found: dict[int, ContactPreference] = {}
    for _, alike, state, since, anonymous, aggregate, off in rows:
        if alike is not None:
            floors = (anonymous, aggregate, off)
            found |= dict.fromkeys(alike, ContactPreference(_STATES[state], since, floors))
    return rows[0][0], found


_STATES = {int(state): state for state in DoNotTrack}


async def seen_slots(
    connection: "Connection", tenant: int, keys: Sequence[SlotKey]
) -> dict[SlotKey, bytes]:
    """Lock identified slot bits and return them (see `tally.has_slot`).

    `keys` must be sorted, and of mode IDENTIFIED.
    """
    campaigns, groups, signals, machines, _, chunks = zip(*keys, strict=True)
    rows = await connection.fetch(
        sql.SEEN_SLOTS, tenant, campaigns, groups, signals, machines, chunks
    )
    return {keys[n - 1]: bits.bytes for n, bits in rows}


async def merge_slots(
    connection: "Connection", tenant: int, slots: Mapping[SlotKey, Iterable[int]]
) -> None:
    """Mark slots as seen."""
    await _write_slots(connection, sql.MERGE_SLOTS, tenant, slots)


async def clear_slots(
    connection: "Connection", tenant: int, slots: Mapping[SlotKey, Iterable[int]]
) -> None:
    """Mark slots as not seen."""
    await _write_slots(connection, sql.CLEAR_SLOTS, tenant, slots)


async def _write_slots(
    connection: "Connection",
    statement: str,
    tenant: int,
    slots: Mapping[SlotKey, Iterable[int]],
) -> None:
    ordered = sorted(slots)
    if not ordered:
        return
    columns = zip(*ordered, strict=True)
    bits = [BitString.frombytes(slot_bits(slots[key])) for key in ordered]
    await connection.execute(statement, tenant, *columns, bits)


async def add_events(
    connection: "Connection",
    tenant: int,
    counts: Mapping[CounterKey, int],
    first: Mapping[CounterKey, int],
) -> None:
    """Add events, and how many of them are first, to the counters."""
    ordered = sorted(counts)
    if not ordered:
        return
    columns = zip(*ordered, strict=True)
    events = [counts[key] for key in ordered]
    first_events = [first.get(key, 0) for key in ordered]
    await connection.execute(sql.ADD_EVENTS, tenant, *columns, events, first_events)


async def drop_empty_counters(
    connection: "Connection", tenant: int, keys: Iterable[CounterKey]
) -> None:
    """Delete those counters that have come to 0: an hour is not to outlast its events."""
    ordered = sorted(keys)
    if ordered:
        columns = zip(*ordered, strict=True)
        await connection.execute(sql.DROP_EMPTY_COUNTERS, tenant, *columns)


async def insert_events(connection: "Connection", rows: Sequence[EventRow]) -> None:
    """Write identified events."""
    if rows:
        await connection.copy_records_to_table("events", records=rows, columns=sql.EVENT_COLUMNS)
