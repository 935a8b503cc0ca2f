"""Compares the ledger of a run with the database and with what both authorities report."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hushpost.v1 import preference_pb2, stats_pb2
from tests.conftest import TenantKeys
from tests.inspection import Connection
from tests.wire import Wire

from .ledger import AGGREGATE, ANONYMOUS, IDENTIFIED, Bounds, Cell, Ledger
from .steps import LINKS

__all__ = ["differences"]

_ROWS = """
select campaign_id, signal, verdict in (3, 4), contact_id, count(*)
from events join campaigns using (tenant, campaign) left join contacts using (tenant, contact)
group by 1, 2, 3, 4
"""
_COUNTED = """
select campaign_id, signal, machine, mode, sum(events)::bigint
from counters join campaigns using (tenant, campaign) group by 1, 2, 3, 4
"""
_KNOWN = "select contact_id from contacts"


async def differences(
    ledger: Ledger, connection: Connection, wires: Sequence[Wire], keys: TenantKeys
) -> list[str]:
    """Return everything in which the database or a report differs from the ledger."""
    found = [*ledger.errors]
    found += [f"message {key} is {message}" for key, message in ledger.wrong_messages().items()]
    found += await _of_rows(ledger, connection)
    found += await _of_counters(ledger, connection)
    found += await _of_preferences(ledger, connection, wires[0], keys.sender_key)
    reports = [await _reports(ledger, wire, keys.reporter_key) for wire in wires]
    if reports[0] != reports[1]:
        found.append("the two authorities report different numbers")
    for campaign, stats in reports[0].items():
        found += _of_report(ledger, campaign, stats)
    return found


async def _of_rows(ledger: Ledger, connection: Connection) -> list[str]:
    """Compare the rows that name a contact."""
    rows = {
        (Cell(campaign, signal, machine), contact): count
        for campaign, signal, machine, contact, count in await connection.fetch(_ROWS)
    }
    expected = ledger.identified()
    return [
        f"{rows.get(key, 0)} rows of {key}, not {expected.get(key, Bounds())}"
        for key in rows.keys() | expected.keys()
        if rows.get(key, 0) not in expected.get(key, Bounds())
    ]


async def _of_counters(ledger: Ledger, connection: Connection) -> list[str]:
    """Compare the events of each cell, whatever their mode, and the identified ones with the rows."""
    counted: Counter[Cell] = Counter()
    identified: Counter[Cell] = Counter()
    for campaign, signal, machine, mode, events in await connection.fetch(_COUNTED):
        counted[Cell(campaign, signal, machine)] += events
        if mode == IDENTIFIED:
            identified[Cell(campaign, signal, machine)] += events
    rows: Counter[Cell] = Counter()
    for campaign, signal, machine, _, count in await connection.fetch(_ROWS):
        rows[Cell(campaign, signal, machine)] += count
    expected = {cell: modes[0] for cell, modes in ledger.totals().items()}
    found = [
        f"{counted[cell]} events in {cell}, not {expected.get(cell, Bounds())}"
        for cell in counted.keys() | expected.keys()
        if counted[cell] not in expected.get(cell, Bounds())
    ]
    if +identified != rows:
        found.append(f"counters {identified - rows} above, {rows - identified} below the rows")
    return found


async def _of_preferences(
    ledger: Ledger, connection: Connection, wire: Wire, key: str
) -> list[str]:
    """Compare every preference and the number of its changes."""
    found = []
    known = {name for (name,) in await connection.fetch(_KNOWN)}
    if known & ledger.erased:
        found.append(f"{known & ledger.erased} are not erased")
    for contact, timeline in ledger.preferences.items():
        if contact in ledger.erased:
            continue
        request = preference_pb2.GetPreferenceRequest(contact_id=contact)
        answer = await wire.call("GetPreference", request, key)
        if answer.preference.do_not_track != timeline.value:
            found.append(f"the preference of {contact} is not {timeline.value}")
        listed = await wire.call(
            "ListPreferenceChanges",
            preference_pb2.ListPreferenceChangesRequest(contact_id=contact, page_size=1000),
            key,
        )
        values = [timeline.first, *(value for _, value in timeline.changes)]
        expected = [(before, after) for before, after in pairwise(values) if before != after]
        changes = [(change.old_do_not_track, change.new_do_not_track) for change in listed.changes]
        if changes != expected:
            found.append(f"changes {changes} of {contact}, not {expected}")
    return found


async def _reports(ledger: Ledger, wire: Wire, key: str) -> dict[str, Any]:
    reports = {}
    for campaign in ledger.created:
        request = stats_pb2.GetCampaignStatsRequest(campaign_id=campaign)
        reports[campaign] = (await wire.call("GetCampaignStats", request, key)).stats
    return reports


def _of_report(ledger: Ledger, campaign: str, stats: stats_pb2.CampaignStats) -> list[str]:
    """Compare the report of a campaign."""
    found = []
    sent = sum(1 for name, _ in ledger.messages if name == campaign)
    reported = stats.sent.identified + stats.sent.anonymous + stats.sent.aggregate
    if reported != sent:
        found.append(f"{reported} messages of {campaign} sent, not {sent}")
    totals = ledger.totals()
    for link, signal in (
        (0, stats.opens),
        *((each.link_number, each.clicks) for each in stats.links),
    ):
        for machine in (False, True):
            part = signal.machine if machine else signal.human
            expected = totals.get(Cell(campaign, link, machine), {})
            numbers = {
                IDENTIFIED: part.identified.total,
                ANONYMOUS: part.anonymous.total,
                AGGREGATE: part.aggregate.total,
                0: part.identified.total + part.anonymous.total + part.aggregate.total,
            }
            found += [
                f"{number} events of mode {mode or 'any'} reported for link {link} of {campaign}"
                f" (machine: {machine}), not {expected.get(mode, Bounds())}"
                for mode, number in numbers.items()
                if number not in expected.get(mode, Bounds())
            ]
    if len(stats.links) != len(LINKS):
        found.append(f"{len(stats.links)} links of {campaign}")
    return found
