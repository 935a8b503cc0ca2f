"""Compare two stolen copies of the database to guess which contact acted in between."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.inspection import tables, tenant_number

from .attack import Score
from .postgres_pages import contact_of_entry, contact_of_row, event_of, files_of, items
from .scenario import Scenario

__all__ = ["DatabaseCopy", "by_chance", "copy_database", "guess", "numbers_of"]

_EVENT_TABLES = frozenset({"counters", "slot_bits", "request_ids"})
"""Tables that an anonymous event may change."""

_DIGEST = """
select md5(string_agg(row(t.*, t.ctid, t.xmin, t.xmax)::text, ' ' order by t.ctid)) from {table} t
"""


@dataclass(frozen=True)
class DatabaseCopy:
    """The content of a database copy that could reveal which contact acted.

    Attributes:
        traces: Position, state, transaction IDs and flags of each contact's row versions
            and index entries.
        named: Number of rows of `events` by contact.
        rest: Digests of the tables and sequences that no event may change, by name.
    """

    traces: dict[int, frozenset[object]]
    named: Counter[int]
    rest: dict[str, object]


async def copy_database(scenario: Scenario) -> DatabaseCopy:
    """Copy the database after a checkpoint."""
    await scenario.database.execute("checkpoint")
    traces: dict[int, set[object]] = {}
    files = await files_of(scenario.database, scenario.postgres, "contacts%")
    for row in items(files["contacts"]):
        place = (row.page, row.number, row.state, row.header)
        traces.setdefault(contact_of_row(row), set()).add(place)
    for entry in items(files["contacts_pkey"]):
        contact = contact_of_entry(entry)
        if contact is not None:
            traces.setdefault(contact, set()).add((entry.page, entry.state, entry.data))
    named: Counter[int] = Counter()
    for name, file in (await files_of(scenario.database, scenario.postgres, "events%")).items():
        if not name.endswith("_idx"):
            named.update(event_of(row).contact for row in items(file))
    return DatabaseCopy(
        {who: frozenset(what) for who, what in traces.items()}, named, await _rest(scenario)
    )


async def _rest(scenario: Scenario) -> dict[str, object]:
    """Return a digest per table, including row positions, and the value of each sequence."""
    sequences = await scenario.database.fetch("select sequencename, last_value from pg_sequences")
    digests: dict[str, object] = {row["sequencename"]: row["last_value"] for row in sequences}
    for table in await tables(scenario.database) - _EVENT_TABLES:
        digests[table] = await scenario.database.fetchval(_DIGEST.format(table=table))
    return digests


def guess(group: Sequence[int], before: DatabaseCopy, after: DatabaseCopy, random: Random) -> int:
    """Return which contact of a group acted between two copies, at random without evidence."""
    named = [who for who in group if after.named[who] > before.named[who]]
    changed = [who for who in group if after.traces.get(who) != before.traces.get(who)]
    shapes = {who: _shape(after.traces.get(who, frozenset())) for who in group}
    usual = Counter(shapes.values()).most_common(1)[0][0]
    odd = [who for who in group if shapes[who] != usual]
    few = (suspects for suspects in (named, changed, odd) if 0 < len(suspects) < len(group))
    return random.choice(next(few, list(group)))


def _shape(traces: frozenset[object]) -> object:
    """Return states and flags only, which are equal for contacts with equal histories."""
    shapes: Counter[object] = Counter()
    for trace in traces:
        assert isinstance(trace, tuple)
        is_row = len(trace) == 4
        shapes[(*trace[2:3], trace[3][18:22]) if is_row else trace[1:2]] += 1
    return frozenset(shapes.items())


def by_chance(score: Score, chance: float) -> float:
    """Return the probability that guessing succeeds at least as often as in `score`."""
    tried = score.tried
    return sum(
        math.exp(
            math.lgamma(tried + 1)
            - math.lgamma(count + 1)
            - math.lgamma(tried - count + 1)
            + count * math.log(chance)
            + (tried - count) * math.log1p(-chance)
        )
        for count in range(score.succeeded, tried + 1)
    )


async def numbers_of(scenario: Scenario, names: Sequence[str]) -> dict[str, int]:
    """Return contact numbers by contact ID."""
    tenant = await tenant_number(scenario.database, scenario.clients.tenant_id)
    rows = await scenario.database.fetch(
        "select contact_id, contact from contacts where tenant = $1 and contact_id = any($2)",
        tenant,
        list(names),
    )
    return dict(map(tuple, rows))
