"""What the recorder reads and writes in its transaction."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from asyncpg import BitString

from hushpost_service.policy import ContactPreference, DoNotTrack
from hushpost_service.storage.database import BEGIN
from hushpost_service.storage.sql import recording as sql
from hushpost_service.tally import CHUNK_SLOTS, CounterKey, EventRow, SlotKey

if TYPE_CHECKING:
    from hushpost_service.storage.database import Connection

__all__ = [
    "add_events",
    "begin_recording",
    "clear_slots",
    "insert_events",
    "lock_recording",
    "merge_slots",
    "preferences",
    "seen_slots",
]

_CHUNK_BYTES = CHUNK_SLOTS // 8
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
    connection: "Connection", tenant: int, contacts: Sequence[int]
) -> tuple[int, dict[int, ContactPreference]]:
    """Return the version of the policy in force, and preferences by contact.

    Contacts that do not exist are left out.
    """
    rows = await connection.fetch(sql.PREFERENCES, tenant, contacts)
    return rows[0][0], {
        contact: ContactPreference(_STATES[state], since, (anonymous, aggregate, off))
        for _, contact, state, since, anonymous, aggregate, off in rows
        if contact is not None
    }


_STATES = {int(state): state for state in DoNotTrack}


async def seen_slots(
    connection: "Connection", tenant: int, keys: Sequence[SlotKey]
) -> dict[SlotKey, int]:
    """Lock identified slot bits and return them, as masks (see `merge_slots`).

    `keys` must be sorted, and of mode IDENTIFIED.
    """
    campaigns, groups, signals, machines, _, chunks = zip(*keys, strict=True)
    rows = await connection.fetch(
        sql.SEEN_SLOTS, tenant, campaigns, groups, signals, machines, chunks
    )
    return {keys[n - 1]: int.from_bytes(bits.bytes) for n, bits in rows}


async def merge_slots(
    connection: "Connection", tenant: int, masks: Iterable[tuple[SlotKey, int]]
) -> None:
    """Mark slots as seen: bit `slot mod 4096` of each key's mask."""
    await _write_slots(connection, sql.MERGE_SLOTS, tenant, masks)


async def clear_slots(
    connection: "Connection", tenant: int, masks: Iterable[tuple[SlotKey, int]]
) -> None:
    """Mark slots as not seen."""
    await _write_slots(connection, sql.CLEAR_SLOTS, tenant, masks)


async def _write_slots(
    connection: "Connection",
    statement: str,
    tenant: int,
    masks: Iterable[tuple[SlotKey, int]],
) -> None:
    ordered = sorted(masks)
    if not ordered:
        return
    columns = zip(*(key for key, _ in ordered), strict=True)
    bits = [BitString.frombytes(mask.to_bytes(_CHUNK_BYTES)) for _, mask in ordered]
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


async def insert_events(connection: "Connection", rows: Sequence[EventRow]) -> None:
    """Write identified events."""
    if rows:
        await connection.copy_records_to_table("events", records=rows, columns=sql.EVENT_COLUMNS)
