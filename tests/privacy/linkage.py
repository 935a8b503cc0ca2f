"""Linkage attacks: match slots and anonymized counts with contacts, from database copies."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from .database_copies import numbers_of
from .postgres_pages import event_of, files_of, items
from .scenario import Scenario

__all__ = [
    "clicks_in_order",
    "guesses_of_slots",
    "opt_outs_in_order",
    "slots_of_links",
    "slots_of_rows",
    "slots_seen",
]

T = TypeVar("T")

Place = tuple[int, int]
"""(campaign, slot); campaigns in these tests have a single group."""


async def slots_seen(scenario: Scenario, campaign: int, *, identified: bool = False) -> list[int]:
    """Return the slots of a campaign that have events, in ascending order."""
    rows = await scenario.database.fetch(
        "select chunk, bits from slot_bits where campaign = $1 and (mode = 1) = $2",
        campaign,
        identified,
    )
    return sorted(
        {
            chunk * 4096 + place
            for chunk, bits in rows
            for place, bit in enumerate(bits.as_string().replace(" ", ""))
            if bit == "1"
        }
    )


async def slots_of_links(scenario: Scenario, campaign: int) -> list[int]:
    """Return the slot that clicked each link, in the order of links that had one clicker each."""
    rows = await scenario.database.fetch(
        "select chunk, bits from slot_bits where campaign = $1 and signal > 0 order by signal",
        campaign,
    )
    return [chunk * 4096 + bits.as_string().replace(" ", "").index("1") for chunk, bits in rows]


async def slots_of_rows(scenario: Scenario) -> dict[Place, int]:
    """Return contacts by slot, read from live and dead row versions of `events`."""
    await scenario.database.execute("checkpoint")
    named: dict[Place, int] = {}
    for name, file in (await files_of(scenario.database, scenario.postgres, "events%")).items():
        if not name.endswith("_idx"):
            for item in items(file):
                row = event_of(item)
                named[row.campaign, row.slot] = row.contact
    return named


async def guesses_of_slots(
    scenario: Scenario, campaign: int, names: Sequence[str]
) -> list[dict[str, int]]:
    """Return guesses which contact has which slot, one per strategy.

    The strategies assign the slots in the order of contact numbers, contact IDs and
    physical rows, each ascending and descending, or choose the slot closest to that of
    the identified contact with the nearest number.
    """
    slots = await slots_seen(scenario, campaign)
    numbers = await numbers_of(scenario, names)
    rows = await scenario.database.fetch(
        "select contact_id from contacts where contact_id = any($1) order by ctid", list(names)
    )
    by_row = [name for (name,) in rows]
    orders = [sorted(names, key=numbers.__getitem__), sorted(names), by_row]
    guesses = [dict(zip(order[::step], slots, strict=True)) for order in orders for step in (1, -1)]
    known = {
        contact: slot
        for (number, slot), contact in (await slots_of_rows(scenario)).items()
        if number == campaign
    }
    guesses.append({name: _closest_slot(numbers[name], known, slots) for name in names})
    return _distinct(guesses)


def _closest_slot(number: int, known: Mapping[int, int], slots: Sequence[int]) -> int:
    """Return the slot closest to that of the identified contact with the nearest number."""
    nearest = known[min(known, key=lambda contact: abs(contact - number))]
    return min(slots, key=lambda slot: abs(slot - nearest))


_OPT_OUTS = """
select array_agg(contact_id order by xmin::text::bigint) as by_transaction,
    array_agg(contact_id order by greatest(opens_time, clicks_time)) as by_time
from contacts where contact_id = any($1)
"""

_CLICKS = """
select array_agg(signal order by xmin::text::bigint) as by_transaction,
    array_agg(signal order by ctid) as by_place
from counters where campaign = $1 and signal > 0 and mode > 1
"""


async def opt_outs_in_order(scenario: Scenario, names: Sequence[str]) -> list[list[str]]:
    """Return contacts in the order of their opt-outs, by transaction ID and by time."""
    orders = await scenario.database.fetchrow(_OPT_OUTS, list(names))
    return _distinct(orders or ())


async def clicks_in_order(scenario: Scenario, campaign: int) -> list[list[int]]:
    """Return the links with anonymized clicks, by transaction ID and by physical position."""
    orders = await scenario.database.fetchrow(_CLICKS, campaign)
    return _distinct(orders or ())


def _distinct(guesses: Iterable[T]) -> list[T]:
    """Remove duplicate guesses; the test for chance assumes that guesses are independent."""
    found: list[T] = []
    for guess in guesses:
        if guess not in found:
            found.append(guess)
    return found
