"""Write-ahead log: a recording transaction writes nothing about the contact that acted."""

import signal
import struct
from collections.abc import AsyncIterator, Collection, Sequence

import pytest

from hushpost_client import DoNotTrack, NewGroup
from hushpost_service.tokens.slot_permutation import MAX_SLOTS
from tests.mailing import GROUP, Mailing, eventually

from .attack import FULL, Attack, Score
from .conftest import Report
from .scenario import Scenario, start_scenario
from .wal import OF_CONTACTS, names_of_files, raw, records, written

ROUNDS = 100 if FULL else 12
CONTACTS_PER_CASE = 50


@pytest.fixture(scope="module")
async def scenario(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scenario]:
    """An authority used by this module only."""
    async with start_scenario(tmp_path_factory.mktemp("wal")) as scenario:
        yield scenario


_OF_VACUUM = {
    "Heap2 PRUNE_VACUUM_SCAN",
    "Heap2 PRUNE_VACUUM_CLEANUP",
    "Heap2 VISIBLE",
    "Btree VACUUM",
}
_OF_HINT_BITS = {"XLOG FPI_FOR_HINT"}


async def _kinds_touching_contacts(scenario: Scenario, start: str) -> set[str]:
    """Return the kinds of records since a position that touch a block of contacts.

    Includes records without a transaction, such as those of page pruning. Excludes records
    that only a vacuum writes, because it runs independently of events, and those of hint bits
    while a vacuum runs, because it sets hint bits, too.
    """
    names = await names_of_files(scenario.database)
    since = records(scenario.postgres, names, start, await written(scenario.database))
    kinds = {record.kind for record in since if record.touches(OF_CONTACTS)}
    return kinds - _OF_VACUUM - (_OF_HINT_BITS if kinds & _OF_VACUUM else set())


async def _lock_rows(scenario: Scenario, contacts: Sequence[str]) -> Score:
    """Control: count how often locking a contact's row writes a record that touches contacts."""
    named = 0
    for name in contacts:
        start = await written(scenario.database)
        await scenario.database.execute(
            "select from contacts where contact_id = $1 for share", name
        )
        named += bool(await _kinds_touching_contacts(scenario, start))
    return Score(len(contacts), named)


async def _change_others(scenario: Scenario, names: Sequence[str]) -> None:
    """Change the preferences of other contacts in the same pages, back and forth."""
    await _change(scenario, [name + "-other" for name in names])


async def _change(scenario: Scenario, names: Sequence[str]) -> None:
    """Change the contacts' preferences back and forth, ten contacts at a time."""
    for start in range(0, len(names), 10):
        for choice in (DoNotTrack.FALSE, DoNotTrack.TRUE):
            await scenario.choose(names[start : start + 10], choice)


async def _import(scenario: Scenario, names: Sequence[str]) -> None:
    """Import new contacts."""
    await scenario.choose([f"{name}-new" for name in names], DoNotTrack.TRUE)


async def _send_then_opt_out(scenario: Scenario, names: Sequence[str], case: str) -> Mailing:
    """Send mail to contacts that opt out afterwards."""
    mailing = await scenario.mail(names, case)
    await scenario.choose(names, DoNotTrack.TRUE)
    return mailing


async def _opt_out_then_send(scenario: Scenario, names: Sequence[str], case: str) -> Mailing:
    """Send mail to contacts that have opted out."""
    await scenario.choose(names, DoNotTrack.TRUE)
    return await scenario.mail(names, case)


async def _nothing(_: Scenario, __: Sequence[str]) -> None:
    """Do nothing."""


_CASES = {
    "opted out before it was sent": (_opt_out_then_send, _nothing),
    "opted out before, others change": (_opt_out_then_send, _change_others),
    "opted out in flight": (_send_then_opt_out, _nothing),
    "in flight, others change": (_send_then_opt_out, _change_others),
    "in flight, changed often": (_send_then_opt_out, _change),
    "in flight, others are imported": (_send_then_opt_out, _import),
}


def _contacts(case: str) -> list[str]:
    return [f"{case} {number}" for number in range(CONTACTS_PER_CASE)]


@pytest.fixture(scope="module")
async def mailings(scenario: Scenario) -> dict[str, Mailing]:
    """The mailing of each case, after the contact vacuum has finished."""
    sent = {}
    for case, (send, disturb) in _CASES.items():
        names = _contacts(case)
        sent[case] = await send(scenario, [*names, *(f"{name}-other" for name in names)], case)
        await disturb(scenario, names)
    await scenario.wait_for_vacuum()
    return sent


@pytest.mark.parametrize("case", _CASES)
async def test_anonymous_event_writes_no_record_about_contacts(
    scenario: Scenario, mailings: dict[str, Mailing], report: Report, case: str
) -> None:
    """No record during an anonymous event touches a block of contacts.

    Every other round follows a checkpoint, after which setting a hint bit writes a full page.
    """
    await _assert_no_records(scenario, mailings[case], case, report)


async def test_lookup_before_the_vacuum_only_prunes_pages(
    scenario: Scenario, report: Report
) -> None:
    """Documented limit: between a change and the next vacuum, a lookup may prune a page."""
    names = [f"hasty {number}" for number in range(CONTACTS_PER_CASE)]
    mailing = await _send_then_opt_out(scenario, names, "hasty")
    kinds = []
    for name in (names * ROUNDS)[:ROUNDS]:
        await _change(scenario, [name])
        kinds += await _kinds(scenario, mailing, [name], rounds=1)
    control = await _lock_rows(scenario, names[: max(3, ROUNDS // 10)])
    named = Score(ROUNDS, len(list(filter(None, kinds))))
    report(Attack("WAL: within seconds of a change (limit)", named, control))
    assert control.share == 1
    assert set().union(*kinds) <= {"Heap2 PRUNE_ON_ACCESS"}


async def test_anonymous_event_after_a_crash_writes_no_record_about_contacts(
    scenario: Scenario, mailings: dict[str, Mailing], report: Report
) -> None:
    """The same holds after authority and database were killed and restarted."""
    case = "opted out in flight"
    scenario.process.kill()
    scenario.process.end_postgres(signal.SIGKILL)
    scenario.process.start()
    await scenario.reconnect()

    async def is_vacuumed() -> bool:
        return bool(await scenario.database.fetchval(_VACUUMED))

    await eventually(is_vacuumed, "contacts are vacuumed after the start")
    await _assert_no_records(scenario, mailings[case], case, report, "in flight, after a crash")


_VACUUMED = """
select last_vacuum > pg_postmaster_start_time()
from pg_stat_user_tables where relname = 'contacts'
"""


async def _assert_no_records(
    scenario: Scenario, mailing: Mailing, case: str, report: Report, name: str | None = None
) -> None:
    names = _contacts(case)
    kinds = await _kinds(scenario, mailing, names)
    control = await _lock_rows(scenario, names[: max(3, ROUNDS // 10)])
    report(Attack(f"WAL: {name or case}", Score(ROUNDS, len(list(filter(None, kinds)))), control))
    assert control.share == 1
    assert not any(kinds), kinds


async def _kinds(
    scenario: Scenario, mailing: Mailing, names: Sequence[str], rounds: int = ROUNDS
) -> list[set[str]]:
    """Record an event per round; return the kinds of records that touched contacts."""
    kinds = []
    for number in range(rounds):
        if number % 2:
            await scenario.database.execute("checkpoint")
        start = await written(scenario.database)
        await scenario.act(mailing, [names[number % len(names)]])
        kinds.append(await _kinds_touching_contacts(scenario, start))
    return kinds


async def test_recording_transaction_only_writes_counters_slots_and_request_ids(
    scenario: Scenario, report: Report
) -> None:
    """Transactions that count anonymous events only write to tables without contacts."""
    hidden = [f"hidden {number}" for number in range(CONTACTS_PER_CASE)]
    known = [f"known {number}" for number in range(CONTACTS_PER_CASE)]
    await scenario.choose(known, DoNotTrack.FALSE)
    anonymous = await _written_tables(
        scenario, await _opt_out_then_send(scenario, hidden, "hidden"), hidden[:ROUNDS]
    )
    identified = await _written_tables(
        scenario, await scenario.mail(known, "known"), known[:ROUNDS]
    )
    report(
        Attack(
            "WAL: tables that recording writes to",
            Score(
                len(anonymous), len([what for what in anonymous if not what <= _WITHOUT_CONTACTS])
            ),
            Score(
                len(identified), len([what for what in identified if not what <= _WITHOUT_CONTACTS])
            ),
        )
    )
    assert all(what <= _WITHOUT_CONTACTS for what in anonymous)
    assert not any(what <= _WITHOUT_CONTACTS for what in identified)


_WITHOUT_CONTACTS = frozenset({"counters", "slot_bits", "request_ids"})


async def _written_tables(
    scenario: Scenario, mailing: Mailing, names: Sequence[str]
) -> list[frozenset[str]]:
    """Return the tables that each recording transaction wrote to, including their indexes."""
    names_of = await names_of_files(scenario.database)
    start = await written(scenario.database)
    for name in names:
        await scenario.act(mailing, [name])
    by_xid: dict[int, set[str]] = {}
    for record in records(scenario.postgres, names_of, start, await written(scenario.database)):
        # Names of indexes and partitions start with the name of their table.
        tables = {"_".join(relation.split("_")[:2]) for relation, _ in record.blocks}
        by_xid.setdefault(record.xid, set()).update(
            table if table in _WITHOUT_CONTACTS else table.split("_")[0] for table in tables
        )
    return [frozenset(tables) for xid, tables in by_xid.items() if xid]


async def test_issuing_writes_no_slot(scenario: Scenario, report: Report) -> None:
    """The WAL of an issue contains no slot, as text or as a number in either byte order.

    The control are events of contacts that consented: their rows have the slot. The group is
    declared so large that slots are rarely found by chance.
    """
    hidden = [f"issued hidden {number}" for number in range(CONTACTS_PER_CASE)]
    known = [f"issued known {number}" for number in range(CONTACTS_PER_CASE)]
    await scenario.choose(hidden, DoNotTrack.TRUE)
    await scenario.choose(known, DoNotTrack.FALSE)
    sender = scenario.clients.sender.campaigns
    groups = [NewGroup(GROUP, expected_messages=MAX_SLOTS)]
    await sender.create_campaign("issued", groups=groups)
    start = await written(scenario.database)
    issued = await sender.issue_tokens("issued", GROUP, [*hidden, *known])
    tokens = {each.contact_id: each.token or "" for each in issued.tokens}
    mailing = Mailing(scenario.clients, "issued", tokens, tokens)
    between = await written(scenario.database)
    await scenario.act(mailing, known)
    end = await written(scenario.database)
    slots = {name: scenario.open_token(token).slot for name, token in mailing.tokens.items()}
    found = _found(slots.values(), raw(scenario.postgres, start, between))
    control = _found([slots[name] for name in known], raw(scenario.postgres, between, end))
    report(Attack("WAL: slots of issued tokens", found, control))
    assert control.share > 0.9
    assert not found.succeeded


def _found(slots: Collection[int], content: bytes) -> Score:
    """Return how many slots a part of the WAL contains."""
    found = [
        slot
        for slot in slots
        if any(
            form in content
            for form in (struct.pack("<I", slot), struct.pack(">I", slot), b"%d" % slot)
        )
    ]
    return Score(len(slots), len(found))
