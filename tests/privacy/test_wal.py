"""The write-ahead log of a recording transaction says nothing of the contact that acted."""

from collections.abc import AsyncIterator, Sequence

import pytest

from hushpost_client import DoNotTrack
from tests.mailing import Mailing

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


async def _named(town: Town, start: str) -> bool:
    """Tell whether the log since a position names a block of contacts, in any transaction."""
    names = await names_of_files(town.database)
    since = records(town.postgres, names, start, await written(town.database))
    return any(record.touches(OF_CONTACTS) for record in since)


async def _locked(town: Town, contacts: Sequence[str]) -> Score:
    """Count how often the log gives a contact away whose row is locked."""
    named = 0
    for name in contacts:
        start = await written(town.database)
        await town.database.execute("select from contacts where contact_id = $1 for share", name)
        named += await _named(town, start)
    return Score(len(contacts), named)


async def _nothing(_: Town, __: str) -> None:
    """Leave things as they are."""


async def _change_beside(town: Town, name: str) -> None:
    """Have a neighbour in the same page change its mind, back and forth."""
    beside = name + "-beside"
    for choice in (DoNotTrack.FALSE, DoNotTrack.TRUE):
        await town.choose([beside], choice)


async def _change_before(town: Town, name: str) -> None:
    """Have the contact itself change its mind, back and forth."""
    for choice in (DoNotTrack.FALSE, DoNotTrack.TRUE):
        await town.choose([name], choice)


async def _import_beside(town: Town, name: str) -> None:
    """Import contacts that were not known."""
    await town.choose([f"{name}-new-{number}" for number in range(5)], DoNotTrack.TRUE)


async def _checkpoint(town: Town, _: str) -> None:
    """Have the next change of a page, even of its hints, write the page to the log."""
    await town.database.execute("checkpoint")


async def _change_and_checkpoint(town: Town, name: str) -> None:
    """Have a page whose hints are not set yet, and that is written as soon as they are."""
    await _change_before(town, name)
    await _checkpoint(town, name)


async def _no_longer_named(town: Town, names: Sequence[str], case: str) -> Mailing:
    """Send mail to contacts while they may be named, after which they opt out."""
    mailing = await town.mail(names, case)
    await town.choose(names, DoNotTrack.TRUE)
    return mailing


async def _never_named(town: Town, names: Sequence[str], case: str) -> Mailing:
    """Send mail to contacts that have opted out."""
    await town.choose(names, DoNotTrack.TRUE)
    return await town.mail(names, case)


_CASES = {
    "opted out before it was sent": (_never_named, _nothing),
    "opted out before, checkpoint": (_never_named, _checkpoint),
    "opted out before, others change": (_never_named, _change_beside),
    "opted out while in flight": (_no_longer_named, _nothing),
    "in flight, checkpoint": (_no_longer_named, _checkpoint),
    "in flight, others change": (_no_longer_named, _change_beside),
    "in flight, others are imported": (_no_longer_named, _import_beside),
    "in flight, changed just before": (_no_longer_named, _change_before),
    "in flight, changed, checkpoint": (_no_longer_named, _change_and_checkpoint),
}


_LEAKS = {
    case: pytest.mark.xfail(reason=reason)
    for case, reason in {
        "in flight, checkpoint": "the read of a preference marks its dead index entries",
        "in flight, others are imported": "the read of a preference prunes its page",
    }.items()
}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=_LEAKS.get(case, ())) for case in _CASES]
)
async def test_an_anonymous_event_writes_nothing_about_contacts(
    town: Town, report: Report, case: str
) -> None:
    """From before an anonymous event to after it, no record names a block of contacts."""
    send, disturb = _CASES[case]
    names = [f"{case} {number}" for number in range(CROWD)]
    crowd = [name + suffix for name in names for suffix in ("", "-beside")]
    mailing = await send(town, crowd, case)
    named = 0
    for name in (names * ROUNDS)[:ROUNDS]:
        await disturb(town, name)
        start = await written(town.database)
        await town.act(mailing, [name])
        named += await _named(town, start)
    control = await _locked(town, names[: max(3, ROUNDS // 10)])
    report(Attack(f"WAL: {case}", Score(ROUNDS, named), control))
    assert control.share == 1
    assert named == 0


async def test_a_recording_transaction_touches_counters_slots_and_receipts_alone(
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


_NAMELESS = frozenset({"counters", "slot_bits", "receipts"})


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
            table if table == "slot_bits" else table.split("_")[0] for table in tables
        )
    return [frozenset(tables) for xid, tables in by_xid.items() if xid]
