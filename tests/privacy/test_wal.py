"""The write-ahead log of a recording transaction says nothing of the contact that acted."""

import signal
from collections.abc import AsyncIterator, Sequence

import pytest

from hushpost_client import DoNotTrack
from tests.mailing import Mailing, eventually

from .attack import FULL, Attack, Score
from .conftest import Report
from .crowd import Town, a_town
from .wal import OF_CONTACTS, names_of_files, records, written

ROUNDS = 100 if FULL else 12
CROWD = 50


@pytest.fixture(scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """An authority of this module's own."""
    async with a_town(tmp_path_factory.mktemp("wal")) as town:
        yield town


_OF_VACUUM = {"Heap2 PRUNE_VACUUM_SCAN", "Heap2 PRUNE_VACUUM_CLEANUP", "Btree VACUUM"}


async def _named(town: Town, start: str) -> set[str]:
    """Return the kinds of records since a position that name a block of contacts.

    Of any transaction, and of none: tidying up belongs to none. What only a vacuum
    writes is left out; it comes whoever acts.
    """
    names = await names_of_files(town.database)
    since = records(town.postgres, names, start, await written(town.database))
    return {record.kind for record in since if record.touches(OF_CONTACTS)} - _OF_VACUUM


async def _locked(town: Town, contacts: Sequence[str]) -> Score:
    """Count how often the log gives a contact away whose row is locked."""
    named = 0
    for name in contacts:
        start = await written(town.database)
        await town.database.execute("select from contacts where contact_id = $1 for share", name)
        named += bool(await _named(town, start))
    return Score(len(contacts), named)


async def _change_beside(town: Town, names: Sequence[str]) -> None:
    """Have neighbours in the same pages change their minds, back and forth."""
    await _change(town, [name + "-beside" for name in names])


async def _change(town: Town, names: Sequence[str]) -> None:
    """Have contacts change their minds, back and forth, a few at a time."""
    for start in range(0, len(names), 10):
        for choice in (DoNotTrack.FALSE, DoNotTrack.TRUE):
            await town.choose(names[start : start + 10], choice)


async def _import(town: Town, names: Sequence[str]) -> None:
    """Import contacts that were not known."""
    await town.choose([f"{name}-new" for name in names], DoNotTrack.TRUE)


async def _no_longer_named(town: Town, names: Sequence[str], case: str) -> Mailing:
    """Send mail to contacts while they may be named, after which they opt out."""
    mailing = await town.mail(names, case)
    await town.choose(names, DoNotTrack.TRUE)
    return mailing


async def _never_named(town: Town, names: Sequence[str], case: str) -> Mailing:
    """Send mail to contacts that have opted out."""
    await town.choose(names, DoNotTrack.TRUE)
    return await town.mail(names, case)


async def _nothing(_: Town, __: Sequence[str]) -> None:
    """Leave things as they are."""


_CASES = {
    "opted out before it was sent": (_never_named, _nothing),
    "opted out before, others change": (_never_named, _change_beside),
    "opted out in flight": (_no_longer_named, _nothing),
    "in flight, others change": (_no_longer_named, _change_beside),
    "in flight, changed often": (_no_longer_named, _change),
    "in flight, others are imported": (_no_longer_named, _import),
}


def _crowd(case: str) -> list[str]:
    return [f"{case} {number}" for number in range(CROWD)]


@pytest.fixture(scope="module")
async def mailings(town: Town) -> dict[str, Mailing]:
    """What was sent in each case; the authority has tidied up after it."""
    sent = {}
    for case, (send, disturb) in _CASES.items():
        names = _crowd(case)
        sent[case] = await send(town, [*names, *(f"{name}-beside" for name in names)], case)
        await disturb(town, names)
    await town.wait_for_vacuum()
    return sent


@pytest.mark.parametrize("case", _CASES)
async def test_an_anonymous_event_writes_nothing_about_contacts(
    town: Town, mailings: dict[str, Mailing], report: Report, case: str
) -> None:
    """From before an anonymous event to after it, no record names a block of contacts.

    Nor where a checkpoint has just been, after which a mere hint writes its page.
    """
    await _judge(town, mailings[case], case, report)


async def test_only_pages_are_named_within_seconds_of_a_change(town: Town, report: Report) -> None:
    """Documented limit: until the vacuum after a change, a look-up may tidy up a page."""
    names = [f"hasty {number}" for number in range(CROWD)]
    mailing = await _no_longer_named(town, names, "hasty")
    kinds = []
    for name in (names * ROUNDS)[:ROUNDS]:
        await _change(town, [name])
        kinds += await _kinds(town, mailing, [name], rounds=1)
    control = await _locked(town, names[: max(3, ROUNDS // 10)])
    named = Score(ROUNDS, len(list(filter(None, kinds))))
    report(Attack("WAL: within seconds of a change (limit)", named, control))
    assert control.share == 1
    assert set().union(*kinds) <= {"Heap2 PRUNE_ON_ACCESS"}


async def test_nor_after_a_crash(town: Town, mailings: dict[str, Mailing], report: Report) -> None:
    """What was tidied up is so after everything was killed and started again."""
    case = "opted out in flight"
    town.process.kill()
    town.process.end_postgres(signal.SIGKILL)
    town.process.start()
    await town.reconnect()

    async def is_vacuumed() -> bool:
        return bool(await town.database.fetchval(_VACUUMED))

    await eventually(is_vacuumed, "contacts are vacuumed after the start")
    await _judge(town, mailings[case], case, report, "in flight, after a crash")


_VACUUMED = """
select last_vacuum > pg_postmaster_start_time()
from pg_stat_user_tables where relname = 'contacts'
"""


async def _judge(
    town: Town, mailing: Mailing, case: str, report: Report, name: str | None = None
) -> None:
    names = _crowd(case)
    kinds = await _kinds(town, mailing, names)
    control = await _locked(town, names[: max(3, ROUNDS // 10)])
    report(Attack(f"WAL: {name or case}", Score(ROUNDS, len(list(filter(None, kinds)))), control))
    assert control.share == 1
    assert not any(kinds), kinds


async def _kinds(
    town: Town, mailing: Mailing, names: Sequence[str], rounds: int = ROUNDS
) -> list[set[str]]:
    """Let contacts act one by one; return for each what kinds of records named contacts."""
    kinds = []
    for number in range(rounds):
        if number % 2:
            await town.database.execute("checkpoint")
        start = await written(town.database)
        await town.act(mailing, [names[number % len(names)]])
        kinds.append(await _named(town, start))
    return kinds


async def test_a_recording_transaction_touches_counters_slots_and_request_ids_alone(
    town: Town, report: Report
) -> None:
    """Transactions that count anonymous events write to tables that no contact stands in."""
    hidden = [f"hidden {number}" for number in range(CROWD)]
    known = [f"known {number}" for number in range(CROWD)]
    await town.choose(known, DoNotTrack.FALSE)
    anonymous = await _touched(town, await _never_named(town, hidden, "hidden"), hidden[:ROUNDS])
    identified = await _touched(town, await town.mail(known, "known"), known[:ROUNDS])
    report(
        Attack(
            "WAL: tables that recording writes to",
            Score(len(anonymous), len([what for what in anonymous if not what <= _NAMELESS])),
            Score(len(identified), len([what for what in identified if not what <= _NAMELESS])),
        )
    )
    assert all(what <= _NAMELESS for what in anonymous)
    assert not any(what <= _NAMELESS for what in identified)


_NAMELESS = frozenset({"counters", "slot_bits", "request_ids"})


async def _touched(town: Town, mailing: Mailing, names: Sequence[str]) -> list[frozenset[str]]:
    """Return, by recording transaction, the tables that it wrote to, its indexes' included."""
    names_of = await names_of_files(town.database)
    start = await written(town.database)
    for name in names:
        await town.act(mailing, [name])
    by_xid: dict[int, set[str]] = {}
    for record in records(town.postgres, names_of, start, await written(town.database)):
        # An index is called after its table, a partition after the whole.
        tables = {"_".join(relation.split("_")[:2]) for relation, _ in record.blocks}
        by_xid.setdefault(record.xid, set()).update(
            table if table in _NAMELESS else table.split("_")[0] for table in tables
        )
    return [frozenset(tables) for xid, tables in by_xid.items() if xid]
