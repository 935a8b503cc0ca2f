"""The files of an edge on a full disk; `test_full_disk.py` runs these tests on one.

The disk is mounted in a namespace, which the tests' process has to enter, because SQLite cannot
open files in another one.
"""

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hushpost_client import Verdict, WatchedLink
from hushpost_edge.appender import Appender, Refusal
from hushpost_edge.domain_store import DomainStore
from hushpost_edge.event_reasons import Reason
from hushpost_edge.link_store import LinkStore
from hushpost_edge.reserve import DiskFullError
from hushpost_edge.shared_metrics import share_metrics
from hushpost_edge.spool import Spool
from hushpost_edge.spool_cipher import SpoolKey
from hushpost_edge.spool_files import waiting_events
from hushpost_edge.spool_keys import SpoolKeys
from hushpost_edge.spooled_event import RECORD_BYTES, SpooledEvent
from hushpost_runtime.secret_file import write_secret_file
from tests.limited_disk import Disk
from tests.waiting import until

from .ciphers import CIPHER
from .conftest import URLS

EVENT = bytes(RECORD_BYTES)
MANY = 6_000  # events: two batches
SECOND = 1_000_000
LINK = WatchedLink(campaign_number=1, link_number=1, url=URLS[0])


@pytest.fixture
def disk() -> Iterator[Disk]:
    """The disk, which is full only in the test."""
    disk = Disk(Path(os.environ["LIMITED_DISK"]))
    yield disk
    disk.clear()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder on the disk, for one test."""
    with TemporaryDirectory(dir=os.environ["LIMITED_DISK"]) as folder:
        yield Path(folder)


def names(folder: Path) -> list[str]:
    """Return the names of the files in a folder."""
    return [file.name for file in folder.iterdir()]


def opened(folder: Path, number: int = 1) -> Spool:
    """Open a spool file."""
    return Spool(folder / f"{number}.sqlite", lambda: time.time_ns() // 1000, CIPHER)


def append_until_full(spool: Spool, first: int) -> None:
    """Append events, each in a commit of its own, until it raises an error."""
    while True:
        spool.append(first, EVENT, ())
        first += 1


def ship_all(spool: Spool) -> int:
    """Take all events from the spool, and return their number."""
    spool._clock = lambda: time.time_ns() // 1000 + 10 * SECOND
    shipped = 0
    while (batch := spool.batch()) is not None:
        shipped += len(batch.events)
        spool.drop(batch)
    return shipped


def test_a_full_disk_ships_all_events_that_it_has(disk: Disk, folder: Path) -> None:
    """Every appended event leaves the spool, over several batches; no others use up the space."""
    with closing(opened(folder)) as worker, closing(opened(folder)) as shipper:
        for first in range(1, MANY):
            worker.append(first, EVENT, ())
        disk.fill(0)
        with pytest.raises(sqlite3.OperationalError, match="full"):
            append_until_full(worker, MANY)
        kept = waiting_events(folder)
        assert kept >= MANY - 1
        assert ship_all(shipper) == kept
        shipper.clean_up()
        assert waiting_events(folder) == 0
        disk.fill(0)
        with pytest.raises(DiskFullError):
            worker.append(2 * MANY, EVENT, ())
        disk.clear()
        worker.append(2 * MANY, EVENT, ())


def test_a_small_disk_keeps_recording(disk: Disk, folder: Path) -> None:
    """The log takes a page for each commit; when it fills the disk, it is truncated."""
    with closing(opened(folder)) as spool:
        disk.fill(1 << 20)
        for first in range(1, 3_000):
            spool.append(first, EVENT, ())
        assert waiting_events(folder) == 2_999


def test_a_disk_that_cannot_allocate_is_written_to(
    disk: Disk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems cannot, and not every C library makes up for that."""

    def unsupported(_file: int, _start: int, _size: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    with closing(opened(folder)) as spool:
        spool.append(1, EVENT, ())
        (folder / "reserve").unlink()
    monkeypatch.setattr(os, "posix_fallocate", unsupported)
    with closing(opened(folder)) as spool:
        spool.append(2, EVENT, ())
        assert (folder / "reserve").stat().st_blocks * 512 >= 2 << 20
    monkeypatch.undo()
    disk.fill(100_000)
    monkeypatch.setattr(os, "posix_fallocate", unsupported)
    with closing(opened(folder)) as spool:
        assert not spool.has_room()


def test_the_quarantine_works_on_a_full_disk(disk: Disk, folder: Path) -> None:
    """Rejected events move to the quarantine, are sent again, and are settled."""
    with closing(opened(folder)) as spool:
        for first in range(1, 3_000):
            spool.append(first, EVENT, ())
        spool._clock = lambda: time.time_ns() // 1000 + 10 * SECOND
        disk.fill(0)
        batch = spool.batch()
        assert batch is not None
        spool.drop(batch, dict.fromkeys(range(2_999), "LINK_NOT_FOUND"), 1 << 30)
        retry = spool.quarantine.retry(0, spool.quarantine.last_row())
        assert retry is not None
        assert len(retry.events) == 2_999
        spool.quarantine.add_seconds(1)
        spool.quarantine.settle(retry, {})
        assert spool.quarantine.measure() == ({}, 0)


def test_files_are_opened_on_a_full_disk(disk: Disk, folder: Path) -> None:
    """After a clean stop, SQLite has to create the index of the log again."""
    opened(folder).close()
    store = LinkStore(folder / "links.sqlite")
    store.apply([LINK], "cursor", is_complete=True)
    store.close()
    domains = DomainStore(folder / "links.sqlite")
    domains.change(add={"click.example.com"}, remove=set())
    disk.fill(0)
    with closing(opened(folder)) as spool:
        assert spool.batch() is None
        disk.fill(0)
        store = LinkStore(folder / "links.sqlite")
        assert store.find(1, 1) == URLS[0]
        assert store.find(1, 2) is None
        assert store.is_complete()
        assert domains.names() == {"click.example.com"}
        with suppress(sqlite3.Error):
            store.apply([LINK], "new cursor", is_complete=False)
    disk.clear()
    store.apply([LINK], "new cursor", is_complete=False)
    assert store.cursor() == "new cursor"
    store.close()


async def test_an_appender_waits_for_a_spool(disk: Disk, folder: Path) -> None:
    """Without space for a new spool, events are dropped; later, they are recorded."""
    disk.fill(0)
    appender = Appender(lambda: closing(opened(folder)), 1 << 30)
    event = SpooledEvent(bytes(42), 1, 1, Verdict.HUMAN, privacy_signal=False, repeated=False)
    assert appender.append(event, Reason.READER) is None
    assert appender.refusal is Refusal.DISK
    assert names(folder) == ["reserve"], "no drafts are left"
    disk.clear()
    await until(lambda: appender.refusal is None)
    done = appender.append(event, Reason.READER)
    assert done is not None
    await done
    await appender.close()
    assert waiting_events(folder) == 1


def test_no_drafts_of_keys_are_left(disk: Disk, folder: Path) -> None:
    """A key that cannot be written does not fill the folder, since it is tried again and again."""
    disk.fill(0)
    with pytest.raises(OSError, match="space"):
        write_secret_file(folder / "x.key", bytes(5_000))
    assert names(folder) == []
    SpoolKeys(folder / "keys", SpoolKey.generate())


def test_metrics_are_not_shared_without_space(
    disk: Disk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the kernel would kill the process at the first metric."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
    disk.fill(100_000)
    share_metrics(folder)
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
    assert names(folder) == []
    disk.clear()
    share_metrics(folder)
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(folder)
    assert all(file.stat().st_blocks * 512 >= 1 << 16 for file in folder.glob("*.db"))
