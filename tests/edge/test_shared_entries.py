"""A hash table in memory that processes share."""

import multiprocessing
from collections.abc import Iterator
from contextlib import closing

import pytest

from hushpost_edge.shared_entries import SharedEntries, TableShape
from hushpost_edge.shared_memory import SharedMemory

SHAPE = TableShape(buckets=4096, value_bytes=8)
PERIOD = 60.0


@pytest.fixture
def small() -> Iterator[SharedMemory]:
    """A memory for one table."""
    with closing(SharedMemory.create(SHAPE.total_bytes, workers=2)) as memory:
        yield memory


def table(memory: SharedMemory, now: float = 0.0) -> SharedEntries:
    """Open the table, as each process does."""
    return SharedEntries(memory, 0, "test", SHAPE, PERIOD, now)


def write(entries: SharedEntries, key: bytes, now: float, value: bytes = bytes(8)) -> None:
    """Write an entry; another process may keep its bucket locked for a moment."""
    while not entries.update(key, now, lambda _time, _value: value):
        pass


def read(entries: SharedEntries, key: bytes, now: float) -> bytes | None:
    """Return the value of an entry."""
    found: list[bytes] = []

    def note(_: float, value: bytes | None) -> None:
        if value is not None:
            found.append(value)

    assert entries.update(key, now, note)
    return found[0] if found else None


def write_numbers(memory: SharedMemory, first: int) -> None:
    """Add a hundred entries, and 1 to a common one with each, in another process."""
    entries = table(memory)

    def add_one(_: float, value: bytes | None) -> bytes:
        return (int.from_bytes(value or b"") + 1).to_bytes(8)

    for number in range(first, first + 100):
        write(entries, number.to_bytes(4), 1.0, number.to_bytes(8))
        while not entries.update(b"sum", 1.0, add_one):
            pass


def test_processes_share_entries(small: SharedMemory) -> None:
    """Processes see each other's entries, and lose none to a race."""
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=write_numbers, args=(small, first)) for first in (0, 100)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    entries = table(small)
    found = [read(entries, number.to_bytes(4), 1.0) for number in range(200)]
    assert found == [number.to_bytes(8) for number in range(200)]
    assert read(entries, b"sum", 1.0) == (200).to_bytes(8)


@pytest.mark.parametrize("written", [0.0, 30.0, 59.9, 119.9])
def test_entries_are_kept_for_one_period_and_gone_after_two(
    small: SharedMemory, written: float
) -> None:
    """Nothing of an entry is left in the memory after two periods, although nothing else happens."""
    entries = table(small, written)
    write(entries, b"a", max(written, 0.1))
    assert read(entries, b"a", written + PERIOD) is not None
    entries.forget(written + 2 * PERIOD)
    assert not any(small.bytes[:])


def test_entries_that_are_written_again_stay(small: SharedMemory) -> None:
    """Each write makes an entry last for another period."""
    entries = table(small)
    for number in range(20):
        now = 1.0 + number * 50.0
        assert read(entries, b"a", now) == (None if not number else (number - 1).to_bytes(8))
        write(entries, b"a", now, number.to_bytes(8))


def test_a_process_that_was_stopped_clears_old_entries(small: SharedMemory) -> None:
    """After several periods without a call, all tables are old."""
    entries = table(small)
    write(entries, b"a", 1.0)
    entries.forget(PERIOD * 9)
    assert not any(small.bytes[:])


def test_a_new_process_clears_nothing_that_is_in_use(small: SharedMemory) -> None:
    """A worker that replaces another one continues where that ended."""
    write(table(small), b"a", 59.0)
    assert read(table(small, 61.0), b"a", 61.0) is not None


def test_the_newest_entries_are_found_when_the_table_is_full(small: SharedMemory) -> None:
    """Memory is bounded: a full bucket replaces its oldest entry."""
    entries = table(small)
    for number in range(40_000):
        write(entries, number.to_bytes(4), number / 2000)
    found = [read(entries, number.to_bytes(4), 21.0) is not None for number in range(40_000)]
    assert 3 * SHAPE.buckets < sum(found) <= 4 * SHAPE.buckets
    assert all(found[-100:])


def test_nothing_in_the_memory_names_a_key(small: SharedMemory) -> None:
    """Keys are hashed under a random key: two edges remember different values."""
    with closing(SharedMemory.create(SHAPE.total_bytes, workers=2)) as other:
        for memory in (small, other):
            write(table(memory), b"a token and a network", 1.0)
            assert b"token" not in memory.bytes[:]
        assert small.key not in small.bytes[:]
        assert small.bytes[:] != other.bytes[:]
