"""Appending events to a spool with group commit."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import nullcontext
from pathlib import Path

import pytest

from hushpost_client import Verdict
from hushpost_edge.appender import Appender, Refusal
from hushpost_edge.event_reasons import Reason
from hushpost_edge.spool import Spool
from hushpost_edge.spooled_event import RECORD_BYTES, SpooledEvent, unpack
from tests.waiting import until

from .ciphers import CIPHER


class InstrumentedSpool(Spool):
    """A spool that records the sizes of appends, and fails while `is_broken` is set."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, lambda: 0, CIPHER)
        self.sizes: list[int] = []
        self.is_broken = False

    def append(self, first: int, events: bytes, corrections: Iterable[int]) -> None:
        """Append, or raise the error of a full disk."""
        if self.is_broken:
            raise sqlite3.OperationalError("database or disk is full")
        super().append(first, events, corrections)
        self.sizes.append(len(events) // RECORD_BYTES)

    def stored(self) -> list[SpooledEvent]:
        """Return all events, in order."""
        rows = self._db.execute("select events from arrivals order by first").fetchall()
        groups = [CIPHER.decrypt(encrypted) for (encrypted,) in rows]
        return [event for group in groups if group for event in unpack(group)]


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[InstrumentedSpool]:
    """An empty spool."""
    spool = InstrumentedSpool(tmp_path / "1.sqlite")
    yield spool
    spool.close()


def event(number: int) -> SpooledEvent:
    """Create an event."""
    return SpooledEvent(
        number.to_bytes(42), 1, number, Verdict.HUMAN, privacy_signal=False, repeated=False
    )


async def test_concurrent_events_share_a_commit(spool: InstrumentedSpool) -> None:
    """Events that arrive during a commit share the next one, and are on disk when it is done."""
    appender = Appender(lambda: nullcontext(spool), 1 << 30)

    async def append_one(number: int) -> None:
        assert appender.next_serial == number
        done = appender.append(event(number), Reason.READER)
        assert done is not None
        await done
        assert event(number) in spool.stored()

    await asyncio.gather(*map(append_one, range(1, 301)))
    await appender.close()
    assert spool.stored() == [event(number) for number in range(1, 301)]
    assert len(spool.sizes) < 10


async def test_corrections_are_written_without_events(spool: InstrumentedSpool) -> None:
    """Alone, or together with later events; an appender that starts afterwards uses new numbers."""
    appender = Appender(lambda: nullcontext(spool), 1 << 30)
    appender.append(event(1), Reason.READER)
    appender.append(event(2), Reason.READER)
    await until(lambda: spool.sizes == [2])
    appender.correct([1])
    await until(lambda: spool.sizes == [2, 0])
    appender.append(event(4), Reason.READER)
    await asyncio.sleep(0)  # its commit begins
    appender.correct([2])
    await appender.close()
    assert spool.sizes == [2, 0, 1, 0]
    assert spool.next_serial() == 6
    spool._clock = lambda: 10_000_000  # the events are due
    batch = spool.batch()
    assert batch is not None
    verdicts = [each.verdict for each in batch.events]
    assert verdicts == [Verdict.SCANNER, Verdict.SCANNER, Verdict.HUMAN]


async def test_closing_writes_pending_events(spool: InstrumentedSpool) -> None:
    """Events that were appended are on disk after the appender is closed."""
    appender = Appender(lambda: nullcontext(spool), 1 << 30)
    for number in range(50):
        appender.append(event(number), Reason.READER)
    await appender.close()
    assert len(spool.stored()) == 50


async def test_a_full_spool_drops_events_and_recovers(spool: InstrumentedSpool) -> None:
    """Events are dropped at the size limit, and accepted again once space is free."""
    appender = Appender(lambda: nullcontext(spool), 100_000)
    appended = 0
    while (done := appender.append(event(appended), Reason.READER)) is not None:
        appended += 1
        await done
    assert appender.refusal is Refusal.FULL
    assert spool.used_bytes() < 2 * 100_000
    spool._db.execute("delete from arrivals")
    await until(lambda: appender.refusal is None)
    assert appender.append(event(appended), Reason.READER) is not None
    await appender.close()
    assert len(spool.stored()) == 1


async def test_a_failing_disk_does_not_block_requests(spool: InstrumentedSpool) -> None:
    """The future is done when a write fails; a moment later, events are written again."""
    appender = Appender(lambda: nullcontext(spool), 1 << 30)
    spool.is_broken = True
    done = appender.append(event(1), Reason.READER)
    assert done is not None
    await asyncio.wait_for(done, 5)
    assert appender.append(event(2), Reason.READER) is None
    spool.is_broken = False
    await until(lambda: appender.refusal is None)
    done = appender.append(event(3), Reason.READER)
    assert done is not None
    await asyncio.wait_for(done, 5)
    await appender.close()
    assert spool.stored() == [event(3)]
