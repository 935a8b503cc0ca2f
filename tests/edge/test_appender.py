"""Appending to a spool."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from hushpost_client import Verdict
from hushpost_edge.appender import Appender
from hushpost_edge.record import RECORD_BYTES, SpooledEvent, unpack
from hushpost_edge.spool import Spool

from .waiting import until


class WatchedSpool(Spool):
    """A spool that tells how it was written to, and fails when told."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, lambda: 0)
        self.sizes: list[int] = []
        self.is_broken = False

    def append(self, first: int, events: bytes, corrections: Iterable[int]) -> None:
        """Append, or fail as a full disk does."""
        if self.is_broken:
            raise sqlite3.OperationalError("database or disk is full")
        super().append(first, events, corrections)
        self.sizes.append(len(events) // RECORD_BYTES)

    def stored(self) -> list[SpooledEvent]:
        """Return all events, in order."""
        rows = self._db.execute("select events from arrivals order by first").fetchall()
        return [event for (blob,) in rows for event in unpack(blob)]


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[WatchedSpool]:
    """An empty spool."""
    spool = WatchedSpool(tmp_path / "1.sqlite")
    yield spool
    spool.close()


def event(number: int) -> SpooledEvent:
    """An event."""
    return SpooledEvent(number.to_bytes(42), 1, number, Verdict.HUMAN, privacy_signal=False)


async def test_waiting_events_share_a_commit(spool: WatchedSpool) -> None:
    """What arrives during a commit forms the next; each is on disk when it is said to be."""
    appender = Appender(spool, 1 << 30)

    async def one(number: int) -> None:
        assert appender.next_serial == number
        settled = appender.append(event(number))
        assert settled is not None
        await settled
        assert event(number) in spool.stored()

    await asyncio.gather(*map(one, range(1, 301)))
    await appender.close()
    assert spool.stored() == [event(number) for number in range(1, 301)]
    assert len(spool.sizes) < 10


async def test_closing_puts_everything_on_disk(spool: WatchedSpool) -> None:
    """Nothing that was taken is lost when the worker stops."""
    appender = Appender(spool, 1 << 30)
    for number in range(50):
        appender.append(event(number))
    await appender.close()
    assert len(spool.stored()) == 50


async def test_a_full_spool_refuses_and_recovers(spool: WatchedSpool) -> None:
    """Over the bound nothing is taken; once there is room again, events are."""
    appender = Appender(spool, 100_000)
    taken = 0
    while (settled := appender.append(event(taken))) is not None:
        taken += 1
        await settled
    assert appender.is_full
    assert spool.used_bytes() < 2 * 100_000
    spool._db.execute("delete from arrivals")
    await until(lambda: not appender.is_full)
    assert appender.append(event(taken)) is not None
    await appender.close()
    assert len(spool.stored()) == 1


async def test_a_failing_disk_holds_up_nobody(spool: WatchedSpool) -> None:
    """Readers are answered when nothing can be written, and what comes later is written."""
    appender = Appender(spool, 1 << 30)
    spool.is_broken = True
    settled = appender.append(event(1))
    assert settled is not None
    await asyncio.wait_for(settled, 5)
    spool.is_broken = False
    settled = appender.append(event(2))
    assert settled is not None
    await asyncio.wait_for(settled, 5)
    await appender.close()
    assert spool.stored() == [event(2)]
