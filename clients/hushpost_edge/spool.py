"""A spool file: events on disk from the answer to the reader until the authority has them.

A worker appends *arrivals*, groups of events that were committed together. The
courier fixes a *batch*, the oldest arrivals under a request id, ships it, and
drops both. A batch is fixed on disk before it is first sent, so that it is the
same one however often it is sent.
"""

import sqlite3
from array import array
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from hushpost_client import Verdict
from hushpost_edge.record import RECORD_BYTES, SpooledEvent, unpack
from hushpost_edge.storage import connect, empty_log

__all__ = ["Batch", "Spool"]

BATCH_EVENTS = 5_000
"""Half of what a call may carry: small enough to hold up nobody for long."""

ARRIVAL_EVENTS = 1_000

_HOLD_MICROSECONDS = 2_500_000
"""How long events stay: a verdict may be corrected a second after its event."""

_CORRECTED_MICROSECONDS = 2_000_000
"""How long after an event its correction may have been committed, and to spare."""

_SHRINK_BYTES = 16 << 20
"""An empty file larger than this gives its space back."""

_SCHEMA = """
create table if not exists arrivals (
    first integer primary key,   -- serial number of the first event
    time integer not null,       -- of the append, microseconds since 1970
    corrections blob not null,   -- serial numbers of earlier events that are SCANNER
    events blob not null         -- see record.py; last, so that the rest is read without it
);
create table if not exists batch (
    request_id text primary key,
    last integer not null,       -- `first` of its last arrival
    scanners blob not null       -- serial numbers of its events that are SCANNER
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


@dataclass(frozen=True, slots=True)
class Batch:
    """What is shipped under one request id. `last` says how far in the file it goes."""

    request_id: str
    last: int
    events: list[SpooledEvent]


class Spool:
    """One spool file. `clock` answers microseconds since 1970."""

    def __init__(self, file: Path, clock: Callable[[], int]) -> None:
        self._db = connect(file, _SCHEMA)
        self._clock = clock

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def next_serial(self) -> int:
        """Return a serial number after those of all events that are in the file."""
        last = self._db.execute(_LAST).fetchone()
        return 1 if last is None else int(last[0]) + int(last[1]) // RECORD_BYTES

    def append(self, first: int, events: bytes, corrections: Iterable[int]) -> None:
        """Put events on disk. Raises sqlite3.Error; then they may be there or not."""
        wanted = array("q", corrections).tobytes()
        step = ARRIVAL_EVENTS * RECORD_BYTES
        for place in range(0, len(events), step):
            part = events[place : place + step]
            serial = first + place // RECORD_BYTES
            self._db.execute(_APPEND, (serial, self._clock(), wanted, part))
            wanted = b""

    def used_bytes(self) -> int:
        """Return the bytes that are taken up by content."""
        pages, free, size = (
            int(self._db.execute(f"pragma {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def oldest_seconds(self) -> float | None:
        """Return the age of the oldest arrival, None for an empty spool."""
        row = self._db.execute(_OLDEST_TIME).fetchone()
        return None if row is None else (self._clock() - int(row[0])) / 1e6

    def batch(self) -> Batch | None:
        """Return the batch to ship, fixing one if there is none; None while nothing is due."""
        fixed = self._db.execute(_FIXED).fetchone()
        if fixed is None:
            fixed = self._fix()
        if fixed is None:
            return None
        request_id, last, blob = fixed
        scanners = frozenset(array("q", blob))
        events = [
            event if serial not in scanners else event._replace(verdict=Verdict.SCANNER)
            for first, group in self._db.execute(_EVENTS, (last,)).fetchall()
            for serial, event in enumerate(unpack(group), first)
        ]
        return Batch(request_id, last, events)

    def _fix(self) -> tuple[str, int, bytes] | None:
        """Choose the oldest arrivals that no correction can reach any more.

        Reads on no further than it must: after an outage there may be millions.
        """
        now = self._clock()
        count = first = last = until = 0
        with closing(self._db.execute(_OLDEST)) as arrivals:
            for serial, time, size in arrivals:
                count += size // RECORD_BYTES
                # A clock that was set back must not hold events until it has caught up.
                if count > BATCH_EVENTS or abs(now - time) < _HOLD_MICROSECONDS:
                    break
                first, last, until = first or serial, serial, time + _CORRECTED_MICROSECONDS
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

    def drop(self, batch: Batch) -> None:
        """Forget a batch that has been shipped."""
        self._db.execute("begin immediate")
        try:
            self._db.execute(_DROP_ARRIVALS, (batch.last,))
            self._db.execute(_DROP_BATCH)
            self._db.execute("commit")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                self._db.execute("rollback")
            raise

    def tidy(self) -> None:
        """Leave no trace of what was dropped, and give back what it took up."""
        if self.oldest_seconds() is None and self._file_bytes() > _SHRINK_BYTES:
            self._db.execute("vacuum")
        empty_log(self._db)

    def _file_bytes(self) -> int:
        pages = self._db.execute("pragma page_count").fetchone()[0]
        return int(pages) * int(self._db.execute("pragma page_size").fetchone()[0])
