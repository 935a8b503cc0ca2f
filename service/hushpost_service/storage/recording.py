"""What the recorder reads and writes in its transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from asyncpg import BitString

from hushpost_service.domain.counters import NO_EVENTS, CounterKey, EventColumns, SlotKey
from hushpost_service.domain.modes import ContactPreference, DoNotTrack, PreferenceGroup
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import BEGIN
from hushpost_service.storage.receipts import Method, periods
from hushpost_service.storage.sql import recording as sql

__all__ = [
    "Received",
    "begin_recording",
    "clear_slots",
    "drop_empty_counters",
    "lock_recording",
    "make_slots",
    "receive",
    "seen_slots",
    "write",
]

_FEW_ROWS = 200
"""Up to so many rows are written with the rest, which spares a round trip; more are
copied, which costs less for each."""

_COPIED_COLUMNS = {
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
_COPIED_ROW = np.dtype(
    [("columns", ">i2")]
    + [
        field
        for name, kind in _COPIED_COLUMNS.items()
        for field in ((f"{name} bytes", ">i4"), (name, kind))
    ]
)
"""A row: how many columns, and of each its length and value."""

_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_TRAILER = b"\xff\xff"
_POSTGRES_EPOCH = 946_684_800_000_000
"""2000-01-01, from where PostgreSQL counts microseconds."""

_RECORDING_LOCK = 0x4855_5245
"""First key of the recording locks ("HURE"); the second is the tenant."""


def begin_recording(tenant: int) -> str:
    """Return the script that begins a recording transaction of a tenant."""
    return sql.BEGIN_RECORDING.format(begin=BEGIN, lock=_RECORDING_LOCK, tenant=tenant)


async def lock_recording(connection: Connection, tenant: int) -> None:
    """Wait for the tenant's recording transactions and keep new ones waiting.

    To be called last before a commit that makes something stricter.
    """
    await connection.execute(sql.LOCK_RECORDING.format(lock=_RECORDING_LOCK), tenant)


@dataclass(frozen=True, slots=True)
class Received:
    """The positions of new requests, the policy's version, contacts by preference.

    Contacts that do not exist are left out.
    """

    requests: set[int]
    policy_version: int
    preference_groups: list[PreferenceGroup]


async def receive(
    connection: Connection,
    tenant: int,
    requests: Sequence[tuple[Method, UUID]],
    contacts: Sequence[int],
    oldest: datetime,
    now: datetime,
) -> Received:
    """File receipts of distinct requests, and read what modes are decided by.

    Changes of preferences before `oldest`, the creation of the oldest campaign
    in question, need not be told apart.
    """
    before, current = periods(now)
    methods = [method for method, _ in requests]
    ids = [request for _, request in requests]
    rows = await connection.fetch(
        sql.RECEIVE, tenant, methods, ids, before, current, None, contacts, oldest
    )
    preference_groups = [
        PreferenceGroup(
            named, ContactPreference(_STATES[state], since, (anonymous, aggregate, off))
        )
        for _, _, named, state, since, anonymous, aggregate, off in rows
        if named is not None
    ]
    return Received(set(rows[0][0] or ()), rows[0][1], preference_groups)


_STATES = {int(state): state for state in DoNotTrack}


async def make_slots(connection: Connection, tenant: int, keys: Sequence[SlotKey]) -> None:
    """Make rows of identified slot bits that are not there yet; `keys` as for `seen_slots`.

    To be called before any row is locked: it waits for whoever is making the same,
    and that one may wait for rows that we hold.
    """
    await connection.execute(sql.MAKE_SLOTS, tenant, *_places(keys))


async def seen_slots(
    connection: Connection, tenant: int, keys: Sequence[SlotKey]
) -> dict[SlotKey, bytes]:
    """Lock identified slot bits and return them (see `tally.has_slot`).

    `keys` must be sorted, and of mode IDENTIFIED.
    """
    seen = await _locked_slots(connection, tenant, keys)
    missing = [key for key in keys if key not in seen]
    if missing:
        # A row that is not there cannot be locked.
        await make_slots(connection, tenant, missing)
        seen |= await _locked_slots(connection, tenant, missing)
    return seen


async def _locked_slots(
    connection: Connection, tenant: int, keys: Sequence[SlotKey]
) -> dict[SlotKey, bytes]:
    rows = await connection.fetch(sql.SEEN_SLOTS, tenant, *_places(keys))
    return {keys[n - 1]: bits.bytes for n, bits in rows}


def _places(keys: Sequence[SlotKey]) -> list[Sequence[object]]:
    """Return the columns of keys without the mode, which is IDENTIFIED."""
    campaigns, groups, signals, machines, _, chunks = zip(*keys, strict=True)
    return [campaigns, groups, signals, machines, chunks]


async def write(
    connection: Connection,
    tenant: int,
    slots: Mapping[SlotKey, bytes],
    counts: Mapping[CounterKey, int],
    first: Mapping[CounterKey, int],
    rows: EventColumns = NO_EVENTS,
) -> None:
    """Mark slots as seen, add events (and how many of them are first), write rows."""
    few = rows
    if len(rows.time) > _FEW_ROWS:
        # Bytes would be taken for a path, and a file would be read in a thread.
        source: Any = memoryview(_copied(tenant, rows))
        await connection.copy_to_table(
            "events",
            source=source,
            columns=_COPIED_COLUMNS,
            format="binary",
        )
        few = NO_EVENTS
    counters = sorted(counts)
    await connection.execute(
        sql.WRITE,
        tenant,
        *_slot_columns(slots),
        *_columns(counters, 6),
        [counts[key] for key in counters],
        [first.get(key, 0) for key in counters],
        *(column.tolist() if isinstance(column, np.ndarray) else column for column in few),
    )


def _copied(tenant: int, rows: EventColumns) -> bytes:
    """Return rows in the binary format of COPY.

    PostgreSQL's documentation of COPY, "Binary Format".
    """
    time = np.asarray(rows.time) - _POSTGRES_EPOCH
    values = (tenant, rows.campaign, rows.contact, time, *rows[3:])
    copied = np.empty(len(time), _COPIED_ROW)
    copied["columns"] = len(_COPIED_COLUMNS)
    for (name, kind), value in zip(_COPIED_COLUMNS.items(), values, strict=True):
        copied[f"{name} bytes"] = np.dtype(kind).itemsize
        copied[name] = value
    return _COPY_HEADER + copied.tobytes() + _COPY_TRAILER


async def clear_slots(connection: Connection, tenant: int, slots: Mapping[SlotKey, bytes]) -> None:
    """Mark slots as not seen, and leave no row of which none is."""
    if not slots:
        return
    columns = _slot_columns(slots)
    await connection.execute(sql.CLEAR_SLOTS, tenant, *columns)
    await connection.execute(sql.DROP_EMPTY_SLOTS, tenant, *columns[:-1])


def _slot_columns(slots: Mapping[SlotKey, bytes]) -> list[Sequence[object]]:
    keys = sorted(slots)
    bits = [BitString.frombytes(slots[key]) for key in keys]
    return [*_columns(keys, 6), bits]


def _columns(rows: Iterable[Sequence[object]], count: int) -> list[Sequence[object]]:
    """Return rows as columns, of which there are some even without rows."""
    return list(zip(*rows, strict=True)) or [()] * count


async def drop_empty_counters(
    connection: Connection, tenant: int, keys: Iterable[CounterKey]
) -> None:
    """Delete those counters that have come to 0: an hour is not to outlast its events."""
    ordered = sorted(keys)
    if ordered:
        columns = zip(*ordered, strict=True)
        await connection.execute(sql.DROP_EMPTY_COUNTERS, tenant, *columns)
