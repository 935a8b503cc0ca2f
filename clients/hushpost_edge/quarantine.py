"""Events of a spool file that the authority rejected for a reason that may pass.

They are kept in the spool's own file, so that one transaction moves events from the spool
to the quarantine: a crash neither loses nor doubles any. Rows hold many events each. Before
a retry, its rows are fixed under a request id, like a batch of the spool.

Tokens identify recipients to a holder of the keyring. Therefore events are deleted after
seven days. The time is counted while the edge is running, so that a wrong clock deletes
none too early.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from hushpost_client import ErrorReason
from hushpost_edge.reserve import ReservedWrites, may_use_reserve
from hushpost_edge.spool_cipher import OVERHEAD_BYTES, SpoolCipher
from hushpost_edge.spooled_event import RECORD_BYTES, SpooledEvent, event_count, unpack
from hushpost_edge.sqlite import transaction

__all__ = ["SCHEMA", "Quarantine", "Retry"]

_RETRY_EVENTS = 5_000
_ROW_BYTES = 1_000 * RECORD_BYTES + OVERHEAD_BYTES
_ROW_SECONDS = 60
"""Events that arrive within a minute may share a row."""

_MAX_SECONDS = 7 * 24 * 3600

_FORGEABLE = ErrorReason.TOKEN_KEY_UNKNOWN
_FORGEABLE_SHARE = 8
"""Anybody can invent tokens with an unknown key id, so they get an eighth of the room."""

SCHEMA = """
create table if not exists quarantine (
    id integer primary key,
    reason text not null,        -- of the last rejection
    start integer not null,      -- `quarantine_seconds` when the events arrived
    events blob not null         -- encrypted, see spooled_event.py; last, so that SQLite can
                                 -- read the other columns and the length without it
);
create table if not exists quarantine_seconds (
    seconds integer not null     -- how long the edge has run with events in quarantine
);
insert into quarantine_seconds select 0 where not exists (select * from quarantine_seconds);
create table if not exists retry (
    request_id text primary key,
    first integer not null,      -- id of the first row that is sent
    last integer not null        -- id of the last row
) without rowid;
"""

_SECONDS = "select seconds from quarantine_seconds"
_ADD_SECONDS = "update quarantine_seconds set seconds = seconds + ?"
_COUNTS = f"""
select reason, sum(length(events) / {RECORD_BYTES}), min(start) from quarantine group by reason
"""  # noqa: S608 - a number; integer division as in `event_count`
_LAST = "select max(id) from quarantine"
_OPEN_ROW = """
select id, events
from quarantine
where reason = ? and start >= ? and length(events) + ? <= ?
    and id > coalesce((select max(last) from retry), 0)
order by id desc
limit 1
"""
_UPDATE = "update quarantine set events = ? where id = ?"
_INSERT = "insert into quarantine (reason, start, events) values (?, ?, ?)"
_DUE = """
select id, length(events) from quarantine where id > ? and id <= ? order by id
"""
_FIX = "insert into retry (request_id, first, last) values (?, ?, ?)"
_FIXED = "select request_id, first, last from retry"
_ROWS = """
select id, reason, start, events from quarantine where id between ? and ? order by id
"""
_DELETE_ROW = "delete from quarantine where id = ?"
_DELETE_RETRY = "delete from retry"
_EXPIRED = f"""
select coalesce(sum(length(events) / {RECORD_BYTES}), 0) from quarantine where start < ?
"""  # noqa: S608 - a number
_DELETE_EXPIRED = "delete from quarantine where start < ?"


@dataclass(frozen=True, slots=True)
class _Row:
    """A row with its events decrypted; none if they cannot be decrypted."""

    id: int
    reason: str
    start: int
    events: bytes


@dataclass(frozen=True, slots=True)
class Retry:
    """Rows that are sent again under one request id."""

    request_id: str
    rows: list[_Row]

    @property
    def events(self) -> list[SpooledEvent]:
        """The events of all rows."""
        return [event for row in self.rows for event in unpack(row.events)]

    @property
    def last(self) -> int:
        """The id of the last row."""
        return self.rows[-1].id


class Quarantine:
    """The quarantine of one spool file."""

    def __init__(
        self, connection: sqlite3.Connection, cipher: SpoolCipher, writes: ReservedWrites
    ) -> None:
        self._db = connection
        self._cipher = cipher
        self.writes = writes

    def add(self, events: Mapping[str, bytes | bytearray], limit: int) -> int:
        """Add packed events by reason, in a transaction of the caller.

        Args:
            events: The events by the reason of their rejection.
            limit: The greatest size of the quarantine in bytes.

        Returns:
            How many events were dropped, because the quarantine is full.
        """
        dropped = 0
        for reason, blob in events.items():
            room = max(0, self._room(reason, limit)) // RECORD_BYTES * RECORD_BYTES
            dropped += event_count(max(0, len(blob) - room))
            step = _ROW_BYTES - OVERHEAD_BYTES
            for offset in range(0, min(len(blob), room), step):
                self._add_to_row(reason, bytes(blob[offset : min(offset + step, room)]))
        return dropped

    def _room(self, reason: str, limit: int) -> int:
        sizes: dict[str, int] = {
            name: count * RECORD_BYTES for name, count, _ in self._db.execute(_COUNTS)
        }
        room = limit - sum(sizes.values())
        if reason == _FORGEABLE:
            return min(room, limit // _FORGEABLE_SHARE - sizes.get(reason, 0))
        return room

    def _add_to_row(self, reason: str, blob: bytes) -> None:
        seconds = self._seconds()
        row = self._db.execute(
            _OPEN_ROW, (reason, seconds - _ROW_SECONDS, len(blob), _ROW_BYTES)
        ).fetchone()
        present = None if row is None else self._cipher.decrypt(row[1])
        if present is None:
            self._db.execute(_INSERT, (reason, seconds, self._cipher.encrypt(blob)))
        else:
            self._db.execute(_UPDATE, (self._cipher.encrypt(present + blob), row[0]))

    def last_row(self) -> int:
        """Return the id of the newest row; 0 if the quarantine is empty."""
        return int(self._db.execute(_LAST).fetchone()[0] or 0)

    @may_use_reserve
    def retry(self, after: int, until: int) -> Retry | None:
        """Return the current retry, or fix a new one of rows after one id, until another.

        Returns None if there are no such rows.
        """
        fixed = self._db.execute(_FIXED).fetchone()
        if fixed is None:
            with transaction(self._db):
                fixed = self._fix(after, until)
        if fixed is None:
            return None
        request_id, first, last = fixed
        rows = [
            _Row(row, reason, start, self._cipher.decrypt(encrypted) or b"")
            for row, reason, start, encrypted in self._db.execute(_ROWS, (first, last))
        ]
        return Retry(request_id, rows)

    def _fix(self, after: int, until: int) -> tuple[str, int, int] | None:
        count = first = last = 0
        for row, size in self._db.execute(_DUE, (after, until)).fetchall():
            count += event_count(size)
            if last and count > _RETRY_EVENTS:
                break
            first, last = first or row, row
        if not last:
            return None
        fixed = (str(uuid4()), first, last)
        self._db.execute(_FIX, fixed)
        return fixed

    @may_use_reserve
    def settle(self, retry: Retry, kept: Mapping[int, str]) -> None:
        """End a retry: keep the events that were rejected again, and delete the others.

        Args:
            retry: The retry.
            kept: The reasons of the events to keep, by their index in the retry.
        """
        index = 0
        with transaction(self._db):
            self._db.execute(_DELETE_RETRY)
            for row in retry.rows:
                count = event_count(len(row.events))
                reasons = [kept.get(index + offset) for offset in range(count)]
                index += count
                if set(reasons) != {row.reason}:
                    self._split(row, reasons)

    def _split(self, row: _Row, reasons: list[str | None]) -> None:
        self._db.execute(_DELETE_ROW, (row.id,))
        parts: dict[str, bytearray] = defaultdict(bytearray)
        for offset, reason in enumerate(reasons):
            if reason is not None:
                start = offset * RECORD_BYTES
                parts[reason] += row.events[start : start + RECORD_BYTES]
        for reason, blob in parts.items():
            self._db.execute(_INSERT, (reason, row.start, self._cipher.encrypt(bytes(blob))))

    def measure(self) -> tuple[dict[str, int], int]:
        """Return the number of events by reason, and the age of the oldest in seconds."""
        counts = self._db.execute(_COUNTS).fetchall()
        oldest = min((start for _, _, start in counts), default=None)
        age = 0 if oldest is None else self._seconds() - oldest
        return {reason: count for reason, count, _ in counts}, age

    @may_use_reserve
    def add_seconds(self, seconds: int) -> int:
        """Let all events age; delete those that are too old, and return their number."""
        with transaction(self._db):
            self._db.execute(_ADD_SECONDS, (seconds,))
            if self._db.execute(_FIXED).fetchone() is not None:
                return 0  # the outcome of these rows is open
            start = self._seconds() - _MAX_SECONDS
            expired = int(self._db.execute(_EXPIRED, (start,)).fetchone()[0])
            if expired:
                self._db.execute(_DELETE_EXPIRED, (start,))
        return expired

    def _seconds(self) -> int:
        return int(self._db.execute(_SECONDS).fetchone()[0])
