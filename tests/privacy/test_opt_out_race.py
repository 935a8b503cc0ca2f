"""Opt-outs race with concurrent events of the same contacts."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack

import pytest

from hushpost_client import PolicyUpdate, PreferenceEntry, Release
from tests.conftest import RunningAuthority, make_tenant
from tests.inspection import connected
from tests.mailing import clients_of, eventually, send
from tests.privacy.attack import FULL, SEED, Attack, Score
from tests.privacy.event_load import event_load
from tests.privacy.opt_out_methods import (
    METHODS,
    OptOutMethod,
    TrackedContacts,
    find_tracked_contacts,
)

CONTACTS = 40 if FULL else 8
"""Contacts per opt-out method."""

AT_ONCE = 4
"""Opt-outs at a time. Each returns at the end of a time step of 0.1 s."""

SECONDS = 240

_ROUNDS = 20
"""Maximum rounds of the control, which leaks only if events arrive at the right time."""

Report = Callable[[Attack], None]


@pytest.mark.timeout(2 * SECONDS)
async def test_no_row_names_a_contact_after_its_opt_out(
    authority: RunningAuthority, report: Report
) -> None:
    """Once an opt-out, erasure or policy change returns, no new event row names the contact."""
    # A timeout of pytest would leave the load running.
    async with asyncio.timeout(SECONDS):
        real = await _race(authority, defended=True)
        control: Counter[str] = Counter()
        rounds = 0
        while rounds < _ROUNDS and not all(control[method.name] for method in METHODS):
            rounds += 1
            leaked = await _race(authority, defended=False)
            control.update({name: len(contacts) for name, contacts in leaked.items()})
    for method in METHODS:
        report(
            Attack(
                f"race: {method.name}",
                real=Score(CONTACTS, len(real[method.name])),
                control=Score(rounds * CONTACTS, control[method.name]),
            )
        )
    assert not any(real.values())
    assert all(control[method.name] for method in METHODS)


async def _race(authority: RunningAuthority, *, defended: bool) -> Mapping[str, set[int]]:
    """Return, by opt-out method, the contacts that rows name after their opt-out."""
    async with AsyncExitStack() as stack:
        keys = await make_tenant(authority, PolicyUpdate(release=Release.EXACT))
        clients = await clients_of(stack, authority, keys=keys)
        database = await stack.enter_async_context(connected(authority.process.data_dir))
        members = {method: [f"{method.name} {n}" for n in range(CONTACTS)] for method in METHODS}
        entries = [
            PreferenceEntry(name, method.choice)
            for method, names in members.items()
            for name in names
        ]
        await clients.sender.preferences.batch_set_preferences(entries)
        mailing = await send(clients, [entry.contact_id for entry in entries])
        tokens = mailing.tokens
        tracked = await find_tracked_contacts(authority.process, clients, database, tokens)
        async with event_load(authority.target, keys.edge_key, list(tokens.values()), SEED) as load:
            await load.wait_for_progress(20 * len(tokens))
            steps = list(_shuffled_steps(members))
            for start in range(0, len(steps), AT_ONCE):
                together = steps[start : start + AT_ONCE]
                for method, names in together:
                    assert await tracked.remaining(method, names), (
                        "rows name the contacts before they opt out"
                    )
                await asyncio.gather(*(tracked.stop(*each, defended=defended) for each in together))
            await load.wait_for_progress()
            await tracked.check_rows()
        await tracked.check_rows()
        if defended:
            await _check_after_job(tracked, members)
    return tracked.leaked


def _shuffled_steps(
    members: Mapping[OptOutMethod, Sequence[str]],
) -> Iterator[tuple[OptOutMethod, Sequence[str]]]:
    """Shuffle the methods into a reproducible order."""
    steps = [
        (method, names[start : start + method.together])
        for method, names in members.items()
        for start in range(0, len(names), method.together)
    ]
    random.Random(SEED).shuffle(steps)  # noqa: S311 - no secret, and repeatable
    yield from steps


async def _check_after_job(
    tracked: TrackedContacts, members: Mapping[OptOutMethod, Sequence[str]]
) -> None:
    """Wait for the policy's job and add contacts that rows still name to `leaked`."""

    async def is_done() -> bool:
        return (await tracked.clients.admin.admin.get_tenant()).anonymization is None

    await eventually(is_done, "the policy's job ends")
    for method, names in members.items():
        if not method.keeps:
            tracked.leaked[method.name] |= await tracked.remaining(method, names)
