"""Queries of the recorder's transaction, and of anonymization, which reverses its writes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from asyncpg import BitString

from hushpost_service.domain.counters import (
    NO_EVENTS,
    CounterKey,
    EventColumns,
    SlotKey,
    chunk_slots,
)
from hushpost_service.domain.modes import PreferenceGroup
from hushpost_service.domain.request_contents import stored_request_text
from hushpost_service.storage.array_text import array_text
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.preference_columns import to_preference
from hushpost_service.storage.request_ids import Method, periods
from hushpost_service.storage.sql import recording as sql
from hushpost_service.storage.sql.replication import WAIT_FOR_STANDBYS
from hushpost_service.storage.sql.request_ids import CLAIM_REQUEST_IDS

__all__ = [
    "COMMIT",
    "RecordingInputs",
    "add_counts",
    "clear_slots",
    "insert_slot_bits",
    "load_recording_inputs",
    "lock_slot_bits",
    "mark_slots",
    "write",
]

COMMIT = "commit"
"""Commits a recording transaction. `load_recording_inputs` has made sure that the commit waits
for synchronous standbys, if it must, so that this one need not find it out every time."""

_MAX_INSERTED_ROWS = 200
"""Up to this many events are inserted by the statement that writes counters, which saves
a round trip. More are written with COPY, which costs less per row."""

_ORDERED_ARRAYS = 17
"""The version of PostgreSQL from which on an index scan for an array of keys returns rows in order."""

_COPY_COLUMNS = {
    "tenant": ">i4",
    "campaign": ">i8",
    "contact": ">i8",
    "event_time": ">i8",
    "group_number": ">i2",
    "slot": ">i4",
    "signal": ">i2",
    "verdict": ">i2",
    "is_first": "?",
}
_COPY_ROW = np.dtype(
    [("columns", ">i2")]
    + [
        field
        for name, kind in _COPY_COLUMNS.items()
        for field in ((f"{name} length", ">i4"), (name, kind))
    ]
)
"""A row in COPY's binary format: the number of columns, then length and value of each."""

_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_TRAILER = b"\xff\xff"
_POSTGRES_EPOCH = 946_684_800_000_000
"""2000-01-01, the epoch of PostgreSQL's timestamps, in microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class RecordingInputs:
    """What a recording transaction needs to know before it writes.

    Attributes:
        new_requests: Positions of the requests that have not been executed before.
        policy_start: When the policy in force came into force.
        preference_groups: Contacts grouped by preference; erased ones are left out.
    """

    new_requests: set[int]
    policy_start: datetime
    preference_groups: list[PreferenceGroup]


async def load_recording_inputs(
    connection: Connection,
    tenant: int,
    requests: Sequence[tuple[Method, UUID]],
    contacts: Sequence[int],
    oldest_campaign: datetime,
    now: datetime,
    kind: DatabaseKind = DatabaseKind.SINGLE,
) -> RecordingInputs:
    """Claim distinct request ids, and read what the modes of events depend on.

    Args:
        connection: The connection of the transaction.
        tenant: The tenant.
        requests: The methods and request ids to claim.
        contacts: The contacts whose preferences are read.
        oldest_campaign: Creation time of the oldest campaign of the events. Earlier
            changes of preferences do not affect the events, so contacts whose preferences
            differ only in them share a group.
        now: The current time.
        kind: The kind of the database.
    """
    methods = array_text([method.value for method, _ in requests])
    ids = array_text([stored_request_text(request) for _, request in requests])
    claim = (tenant, methods, ids, periods(now), None, None)
    rows: Sequence[Any]
    if kind is DatabaseKind.DISTRIBUTED:
        rows = await _load_in_parts(connection, claim, contacts, oldest_campaign)
    else:
        statement = (
            sql.LOAD_RECORDING_INPUTS_17
            if connection.get_server_version().major >= _ORDERED_ARRAYS
            else sql.LOAD_RECORDING_INPUTS
        )
        rows = await connection.fetch(statement, *claim, contacts, oldest_campaign)
    new_requests = set(rows[0][0] or ())
    if len(new_requests) < len(requests):
        # A repeated request writes nothing, but must not be acknowledged before the commit of
        # the first one is replicated.
        await connection.execute(WAIT_FOR_STANDBYS)
    preference_groups = [
        PreferenceGroup(members, to_preference(columns))
        for _, _, members, *columns in rows
        if members is not None
    ]
    return RecordingInputs(new_requests, rows[0][1], preference_groups)


async def _load_in_parts(
    connection: Connection,
    claim: tuple[int, str, str, Sequence[int], None, None],
    contacts: Sequence[int],
    oldest_campaign: datetime,
) -> list[tuple[Any, ...]]:
    """Return what `LOAD_RECORDING_INPUTS` does, by separate statements."""
    tenant, methods, *_ = claim
    has_requests = methods != array_text([])
    positions = await connection.fetch(CLAIM_REQUEST_IDS, *claim) if has_requests else []
    new_requests = [position for (position,) in positions]
    start = await connection.fetchval(sql.POLICY_START, tenant)
    groups = await connection.fetch(sql.PREFERENCE_GROUPS, tenant, contacts, oldest_campaign)
    return [(new_requests, start, *group) for group in groups] or [(new_requests, start, None)]


async def insert_slot_bits(connection: Connection, tenant: int, keys: Sequence[SlotKey]) -> None:
    """Insert missing bitmaps of identified slots; `keys` as in `lock_slot_bits`.

    Call it before any row is locked: it waits for concurrent transactions that insert the
    same rows, and these may wait for rows that this transaction has locked.
    """
    bits = [chunk_slots(key[2]) for key in keys]
    await connection.execute(sql.INSERT_SLOT_BITS, tenant, *_columns_without_mode(keys), bits)


async def lock_slot_bits(
    connection: Connection, tenant: int, keys: Sequence[SlotKey]
) -> dict[SlotKey, bytes]:
    """Lock bitmaps of identified slots and return them (see `domain.counters.has_slot`).

    Inserts the missing ones, because a row that does not exist cannot be locked.

    Args:
        connection: The connection of the transaction.
        tenant: The tenant.
        keys: Sorted keys whose mode is IDENTIFIED.
    """
    bitmaps = await _lock_existing_slot_bits(connection, tenant, keys)
    missing = [key for key in keys if key not in bitmaps]
    if missing:
        await insert_slot_bits(connection, tenant, missing)
        bitmaps |= await _lock_existing_slot_bits(connection, tenant, missing)
    return bitmaps


async def _lock_existing_slot_bits(
    connection: Connection, tenant: int, keys: Sequence[SlotKey]
) -> dict[SlotKey, bytes]:
    rows = await connection.fetch(sql.LOCK_SLOT_BITS, tenant, *_columns_without_mode(keys))
    return {keys[n - 1]: bits.bytes for n, bits in rows}


def _columns_without_mode(keys: Sequence[SlotKey]) -> list[Sequence[object]]:
    campaigns, groups, signals, machines, _, chunks = zip(*keys, strict=True)
    return [campaigns, groups, signals, machines, chunks]


async def write(
    connection: Connection,
    tenant: int,
    slot_bits: Mapping[SlotKey, bytes],
    event_counts: Mapping[CounterKey, int],
    first_event_counts: Mapping[CounterKey, int],
    events: EventColumns = NO_EVENTS,
) -> None:
    """Set bits of slots, add to counters, insert identified events."""
    inserted = events
    if len(events.time) > _MAX_INSERTED_ROWS:
        # A memoryview, because asyncpg takes bytes for the path of a file.
        source: Any = memoryview(_copy_data(tenant, events))
        await connection.copy_to_table(
            "events",
            source=source,
            columns=_COPY_COLUMNS,
            format="binary",
        )
        inserted = NO_EVENTS
    keys = sorted(slot_bits)
    await connection.execute(
        sql.WRITE,
        tenant,
        *_to_columns(keys, 6),
        [BitString.frombytes(slot_bits[key]) for key in keys],
        *_counter_columns(event_counts, first_event_counts),
        *(column.tolist() if isinstance(column, np.ndarray) else column for column in inserted),
    )


def _copy_data(tenant: int, events: EventColumns) -> bytes:
    """Return events in COPY's binary format.

    See "Binary Format" in PostgreSQL's documentation of COPY.
    """
    time = np.asarray(events.time) - _POSTGRES_EPOCH
    values = (tenant, events.campaign, events.contact, time, *events[3:])
    rows = np.empty(len(time), _COPY_ROW)
    rows["columns"] = len(_COPY_COLUMNS)
    for (name, kind), value in zip(_COPY_COLUMNS.items(), values, strict=True):
        rows[f"{name} length"] = np.dtype(kind).itemsize
        rows[name] = value
    return _COPY_HEADER + rows.tobytes() + _COPY_TRAILER


async def mark_slots(
    connection: Connection, tenant: int, slots: Mapping[SlotKey, Sequence[int]]
) -> None:
    """Set bits of slots of anonymized events, of which no other transaction writes the bitmaps."""
    if slots:
        await connection.execute(sql.MARK_SLOTS, tenant, *_slot_columns(slots))


async def clear_slots(
    connection: Connection, tenant: int, slots: Mapping[SlotKey, Sequence[int]]
) -> None:
    """Clear bits of identified slots, and delete bitmaps that are empty then."""
    if not slots:
        return
    empty = await connection.fetch(sql.CLEAR_SLOTS, tenant, *_slot_columns(slots))
    if empty:
        await connection.execute(sql.DELETE_EMPTY_SLOT_BITS, tenant, *zip(*empty, strict=True))


def _slot_columns(slots: Mapping[SlotKey, Sequence[int]]) -> list[Sequence[object]]:
    keys = sorted(slots)
    places = []
    for key in keys:
        size = chunk_slots(key[2])
        places.append(f"{{{','.join(str(slot % size) for slot in slots[key])}}}")
    return [*_to_columns(keys, 6), places]


async def add_counts(
    connection: Connection,
    tenant: int,
    event_counts: Mapping[CounterKey, int],
    first_event_counts: Mapping[CounterKey, int],
) -> None:
    """Add to counters (negative: subtract), and delete those that are 0 then.

    Their key would reveal the hour of deleted events.
    """
    if not event_counts:
        return
    columns = _counter_columns(event_counts, first_event_counts)
    empty = await connection.fetch(sql.ADD_COUNTS, tenant, *columns)
    if empty:
        await connection.execute(sql.DELETE_EMPTY_COUNTERS, tenant, *zip(*empty, strict=True))


def _counter_columns(
    event_counts: Mapping[CounterKey, int], first_event_counts: Mapping[CounterKey, int]
) -> list[Sequence[object]]:
    keys = sorted(event_counts)
    return [
        *_to_columns(keys, 6),
        [event_counts[key] for key in keys],
        [first_event_counts.get(key, 0) for key in keys],
    ]


def _to_columns(rows: Iterable[Sequence[object]], count: int) -> list[Sequence[object]]:
    """Transpose rows; return `count` empty columns if there are none."""
    return list(zip(*rows, strict=True)) or [()] * count
