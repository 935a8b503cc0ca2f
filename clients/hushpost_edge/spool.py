"""A spool file: a durable queue of events that have not been shipped yet.

A worker appends *arrivals*: groups of events that are committed together. The uploader
fixes a *batch*, which is the oldest arrivals under a request id, sends it, and drops
both. A batch is written to disk before it is first sent, so that every retry sends the
same events under the same request id, even after a crash. The events that the authority
rejected for a reason that may pass move to the quarantine (see `quarantine.py`).

Events are encrypted before they are written, so that neither the file nor its WAL reveals
which tokens were used (see `spool_cipher.py`). On a full disk, batches are shipped and deleted
with the space of a reserve (see `reserve.py`), and no events are appended.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Error
from uuid import uuid4

from hushpost_client import Verdict
from hushpost_edge.quarantine import SCHEMA as QUARANTINE_SCHEMA
from hushpost_edge.quarantine import Quarantine
from hushpost_edge.reserve import (
    DiskFullError,
    Reserve,
    ReservedWrites,
    is_out_of_space,
    may_use_reserve,
)
from hushpost_edge.spool_cipher import ID_BYTES, SpoolCipher
from hushpost_edge.spooled_event import RECORD_BYTES, SpooledEvent, event_count, pack, unpack
from hushpost_edge.sqlite import transaction, truncate_wal

__all__ = ["Batch", "Spool"]

BATCH_EVENTS = 5_000
"""Half the maximum of RecordEvents, so that a batch delays other calls less."""

ARRIVAL_EVENTS = 1_000

_HOLD_MICROSECONDS = 2_500_000
"""How long events are held back, because a verdict may be corrected up to a second later."""

_CORRECTION_MICROSECONDS = 2_000_000
"""How long after an event its correction may be committed, with a margin."""

_SHRINK_BYTES = 16 << 20
"""A larger file is shrunk when the spool is empty and the quarantine is smaller."""

_MAX_GROWTH_BYTES = 512 << 10
"""By how much a checkpoint may let the file grow; the reserve is larger."""

_SCHEMA = """
create table if not exists arrivals (
    first integer primary key,   -- serial number of the first event
    time integer not null,       -- time of the append, in microseconds since 1970
    corrections blob not null,   -- serial numbers of earlier events whose verdict is SCANNER
    events blob not null         -- encrypted, see spooled_event.py; last, so that SQLite can
                                 -- read the other columns without it
);
create table if not exists batch (
    request_id text primary key,
    last integer not null,       -- `first` of the last arrival in the batch
    scanners blob not null       -- serial numbers of its events whose verdict is SCANNER
) without rowid;
"""

_APPEND = "insert into arrivals (first, time, corrections, events) values (?, ?, ?, ?)"
_LAST = "select first, length(events) from arrivals order by first desc limit 1"
_OLDEST = "select first, time, length(events) from arrivals order by first"
_OLDEST_TIME = "select time from arrivals order by first limit 1"
_CORRECTIONS = "select time, corrections from arrivals where first >= ? order by first"
_FIX = "insert into batch (request_id, last, scanners) values (?, ?, ?)"
_FIXED = "select request_id, last, scanners from batch"
_EVENTS = "select first, events from arrivals where first <= ? order by first"
_DROP_ARRIVALS = "delete from arrivals where first <= ?"
_DROP_BATCH = "delete from batch"
_USES_KEY = f"""
select exists (select * from arrivals where substr(events, 1, {ID_BYTES}) = ?1)
    or exists (select * from quarantine where substr(events, 1, {ID_BYTES}) = ?1)
"""  # noqa: S608 - a number


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that are sent under one request id, up to the arrival `last`.

    `unreadable` counts further events that cannot be decrypted; they are deleted with it.
    """

    request_id: str
    last: int
    events: list[SpooledEvent]
    unreadable: int = 0

    @property
    def is_full(self) -> bool:
        """Whether another arrival might have exceeded the limit, so that there may be more events."""
        return len(self.events) + self.unreadable > BATCH_EVENTS - ARRIVAL_EVENTS


class Spool:
    """One spool file. `clock` returns microseconds since 1970. Raises sqlite3.Error, OSError."""

    def __init__(self, file: Path, clock: Callable[[], int], cipher: SpoolCipher) -> None:
        self._reserve = Reserve(file.parent)
        try:
            self._db = self._reserve.open_database(file, _SCHEMA + QUARANTINE_SCHEMA)
        except BaseException:
            self._reserve.close()
            raise
        self._is_full = not self._reserve.take()
        self._file = file
        self._clock = clock
        self._cipher = cipher
        self.writes = ReservedWrites(self._db, self._reserve)
        self.quarantine = Quarantine(self._db, cipher, self.writes)

    @property
    def is_readable(self) -> bool:
        """Whether all keys are known, so that events may be shipped."""
        return self._cipher.is_complete

    def now(self) -> int:
        """Return the time in microseconds since 1970."""
        return self._clock()

    def close(self) -> None:
        """Close the file."""
        self._db.close()
        self._reserve.close()

    def has_room(self) -> bool:
        """Return whether there is space for events, beyond the reserve; make some if needed."""
        if self._is_full or not self._reserve.is_held:
            self._is_full = not (self._reserve.take() or self.writes.make_room())
        return not self._is_full

    def next_serial(self) -> int:
        """Return a serial number above those of all events in the file."""
        last = self._db.execute(_LAST).fetchone()
        return 1 if last is None else int(last[0]) + max(1, event_count(int(last[1])))

    def append(self, first: int, events: bytes, corrections: Iterable[int]) -> None:
        """Write packed events to disk. If it raises an error, some may have been written.

        Args:
            first: The serial number of the first event.
            events: The events, see `spooled_event.pack`; none if there are only corrections.
            corrections: The serial numbers of earlier events whose verdict becomes SCANNER.

        Raises:
            DiskFullError: See `has_room`; nothing was written.
            sqlite3.Error: Writing failed.
        """
        if not self.has_room():
            raise DiskFullError
        correction_blob = array("q", corrections).tobytes()
        step = ARRIVAL_EVENTS * RECORD_BYTES
        for offset in range(0, len(events) or step, step):
            part = self._cipher.encrypt(events[offset : offset + step])
            serial = first + event_count(offset)
            self._insert((serial, self._clock(), correction_blob, part))
            correction_blob = b""

    def _insert(self, arrival: tuple[int, int, bytes, bytes]) -> None:
        try:
            self._db.execute(_APPEND, arrival)
        except Error as error:
            if not is_out_of_space(error):
                raise
            # A commit takes a page of the log, of which a checkpoint frees most.
            self._is_full = not self.writes.make_room()
            if self._is_full:
                raise
            self._db.execute(_APPEND, arrival)

    def used_bytes(self) -> int:
        """Return the size of the content, without free pages."""
        pages, free, size = (
            int(self._db.execute(f"pragma {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def oldest_seconds(self) -> float | None:
        """Return the age of the oldest arrival in seconds, None if the spool is empty."""
        row = self._db.execute(_OLDEST_TIME).fetchone()
        return None if row is None else (self._clock() - int(row[0])) / 1e6

    @may_use_reserve
    def batch(self) -> Batch | None:
        """Return the current batch, or fix a new one; None if no events are due."""
        fixed = self._db.execute(_FIXED).fetchone()
        if fixed is None:
            fixed = self._fix()
        if fixed is None:
            return None
        request_id, last, blob = fixed
        scanners = frozenset(array("q", blob))
        events: list[SpooledEvent] = []
        unreadable = 0
        for first, encrypted in self._db.execute(_EVENTS, (last,)).fetchall():
            group = self._cipher.decrypt(encrypted)
            if group is None:
                unreadable += event_count(len(encrypted))
                continue
            events += (
                event if serial not in scanners else event._replace(verdict=Verdict.SCANNER)
                for serial, event in enumerate(unpack(group), first)
            )
        return Batch(request_id, last, events, unreadable)

    def _fix(self) -> tuple[str, int, bytes] | None:
        """Fix a batch of the oldest arrivals that can no longer be corrected.

        Reads only the rows that it needs, because after an outage there may be millions.
        """
        now = self._clock()
        count = first = last = until = 0
        with closing(self._db.execute(_OLDEST)) as arrivals:
            for serial, time, size in arrivals:
                count += event_count(size)
                # abs(): if the clock was set back, do not wait until it has caught up.
                if count > BATCH_EVENTS or abs(now - time) < _HOLD_MICROSECONDS:
                    break
                first, last, until = first or serial, serial, time + _CORRECTION_MICROSECONDS
        if not last:
            return None
        fixed = (str(uuid4()), last, self._corrections(first, until).tobytes())
        self._db.execute(_FIX, fixed)
        return fixed

    def _corrections(self, first: int, until: int) -> "array[int]":
        found = array("q")
        with closing(self._db.execute(_CORRECTIONS, (first,))) as arrivals:
            for time, blob in arrivals:
                if time > until:
                    break
                found.frombytes(blob)
        return found

    @may_use_reserve
    def drop(
        self, batch: Batch, kept: Mapping[int, str] | None = None, quarantine_bytes: int = 0
    ) -> int:
        """Delete a batch that the authority has accepted, and quarantine some of its events.

        Args:
            batch: The batch.
            kept: The reasons of the events to quarantine, by their index in the batch.
            quarantine_bytes: The greatest size of the quarantine.

        Returns:
            How many events were dropped, because the quarantine is full.
        """
        quarantined: dict[str, bytearray] = defaultdict(bytearray)
        for index, reason in (kept or {}).items():
            quarantined[reason] += pack(batch.events[index])
        with transaction(self._db):
            self._db.execute(_DROP_ARRIVALS, (batch.last,))
            self._db.execute(_DROP_BATCH)
            return self.quarantine.add(quarantined, quarantine_bytes)

    def uses_key(self, key_id: bytes) -> bool:
        """Return whether anything in the file is encrypted with a key."""
        return bool(self._db.execute(_USES_KEY, (key_id,)).fetchone()[0])

    @may_use_reserve
    def clean_up(self) -> None:
        """Erase dropped events from the WAL, and shrink the file if it is large."""
        is_empty = self.oldest_seconds() is None
        if is_empty and self.used_bytes() < _SHRINK_BYTES < self._file_bytes():
            self._shrink()
        truncate_wal(self._db)

    def limit_growth(self) -> None:
        """Move the WAL into the file if the file would grow by much, without waiting for readers.

        On a full disk, the reserve has to suffice for that.
        """
        if self._file_bytes() - self._file.stat().st_size > _MAX_GROWTH_BYTES:
            self._db.execute("pragma wal_checkpoint(passive)").fetchone()

    def _shrink(self) -> None:
        try:
            self._db.execute("vacuum")
        except Error as error:
            if not is_out_of_space(error):  # it takes up to 16 MiB, which can wait
                raise

    def _file_bytes(self) -> int:
        pages = self._db.execute("pragma page_count").fetchone()[0]
        return int(pages) * int(self._db.execute("pragma page_size").fetchone()[0])
