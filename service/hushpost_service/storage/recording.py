"""What the recorder reads and writes in its transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from struct import Struct
from typing import TYPE_CHECKING
from uuid import UUID

from asyncpg import BitString

from hushpost_service.policy import ContactPreference, DoNotTrack
from hushpost_service.storage.database import BEGIN
from hushpost_service.storage.receipts import Method, periods
from hushpost_service.storage.sql import recording as sql
from hushpost_service.tally import CounterKey, EventRow, SlotKey, slot_bits

if TYPE_CHECKING:
    from hushpost_service.storage.database import Connection

__all__ = [
    "Received",
    "begin_recording",
    "clear_slots",
    "drop_empty_counters",
    "lock_recording",
    "receive",
    "seen_slots",
    "write",
]

_FEW_ROWS = 200
"""Up to so many rows are written with the rest, which spares a round trip; more are
copied, which costs less for each."""

# Of a row: how many columns, and of each its length and value.
_COPIED_ROW = Struct(">h" + "ii" + 3 * "iq" + "ih" + "ii" + 2 * "ih" + "i?")
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_TRAILER = b"\xff\xff"
_POSTGRES_EPOCH = 946_684_800_000_000
"""2000-01-01, from where PostgreSQL counts microseconds."""

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


@dataclass(frozen=True, slots=True)
class Received:
    """The positions of new requests, the policy's version, preferences by contact.

    Contacts that do not exist are left out.
    """

    requests: set[int]
    policy_version: int
    preferences: dict[int, ContactPreference]


async def receive(
    connection: "Connection",
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
    preferences: dict[int, ContactPreference] = {}
    for _, _, alike, state, since, anonymous, aggregate, off in rows:
        if alike is not None:
            floors = (anonymous, aggregate, off)
            preference = ContactPreference(_STATES[state], since, floors)
            preferences |= dict.fromkeys(alike, preference)
    return Received(set(rows[0][0] or ()), rows[0][1], preferences)


_STATES = {int(state): state for state in DoNotTrack}


async def seen_slots(
    connection: "Connection", tenant: int, keys: Sequence[SlotKey]
) -> dict[SlotKey, bytes]:
    """Lock identified slot bits and return them (see `tally.has_slot`).

    `keys` must be sorted, and of mode IDENTIFIED.
    """
    seen = await _locked_slots(connection, tenant, keys)
    missing = [key for key in keys if key not in seen]
    if missing:
        # A row that is not there cannot be locked.
        await connection.execute(sql.MAKE_SLOTS, tenant, *_places(missing))
        seen |= await _locked_slots(connection, tenant, missing)
    return seen


async def _locked_slots(
    connection: "Connection", tenant: int, keys: Sequence[SlotKey]
) -> dict[SlotKey, bytes]:
    rows = await connection.fetch(sql.SEEN_SLOTS, tenant, *_places(keys))
    return {keys[n - 1]: bits.bytes for n, bits in rows}


def _places(keys: Sequence[SlotKey]) -> list[Sequence[object]]:
    """Return the columns of keys without the mode, which is IDENTIFIED."""
    campaigns, groups, signals, machines, _, chunks = zip(*keys, strict=True)
    return [campaigns, groups, signals, machines, chunks]


async def write(
    connection: "Connection",
    tenant: int,
    slots: Mapping[SlotKey, Iterable[int]],
    counts: Mapping[CounterKey, int],
    first: Mapping[CounterKey, int],
    rows: Sequence[EventRow] = (),
) -> None:
    """Mark slots as seen, add events (and how many of them are first), write rows."""
    if len(rows) > _FEW_ROWS:
        await connection.copy_to_table(
            "events",
            source=BytesIO(_copied(tenant, rows)),
            columns=sql.EVENT_COLUMNS,
            format="binary",
        )
        rows = ()
    counters = sorted(counts)
    await connection.execute(
        sql.WRITE,
        tenant,
        *_slot_columns(slots),
        *_columns(counters, 6),
        [counts[key] for key in counters],
        [first.get(key, 0) for key in counters],
        *_columns(rows, 8),
    )


def _copied(tenant: int, rows: Sequence[EventRow]) -> bytes:
    """Return rows in the binary format of COPY, all of it by one call a row.

    PostgreSQL's documentation of COPY, "Binary Format".
    """
    pack = _COPIED_ROW.pack
    columns = len(sql.EVENT_COLUMNS)
    copied = [_COPY_HEADER]
    for campaign, contact, time, group, slot, signal, verdict, is_first in rows:
        since = time - _POSTGRES_EPOCH
        # fmt: off
        copied.append(pack(
            columns, 4, tenant, 8, campaign, 8, contact, 8, since,
            2, group, 4, slot, 2, signal, 2, verdict, 1, is_first,
        ))
        # fmt: on
    copied.append(_COPY_TRAILER)
    return b"".join(copied)


async def clear_slots(
    connection: "Connection", tenant: int, slots: Mapping[SlotKey, Iterable[int]]
) -> None:
    """Mark slots as not seen, and leave no row of which none is."""
    if not slots:
        return
    columns = _slot_columns(slots)
    await connection.execute(sql.CLEAR_SLOTS, tenant, *columns)
    await connection.execute(sql.DROP_EMPTY_SLOTS, tenant, *columns[:-1])


def _slot_columns(slots: Mapping[SlotKey, Iterable[int]]) -> list[Sequence[object]]:
    keys = sorted(slots)
    bits = [BitString.frombytes(slot_bits(slots[key])) for key in keys]
    return [*_columns(keys, 6), bits]


def _columns(rows: Iterable[Sequence[object]], count: int) -> list[Sequence[object]]:
    """Return rows as columns, of which there are some even without rows."""
    return list(zip(*rows, strict=True)) or [()] * count


async def drop_empty_counters(
    connection: "Connection", tenant: int, keys: Iterable[CounterKey]
) -> None:
    """Delete those counters that have come to 0: an hour is not to outlast its events."""
    ordered = sorted(keys)
    if ordered:
        columns = zip(*ordered, strict=True)
        await connection.execute(sql.DROP_EMPTY_COUNTERS, tenant, *columns)
