"""Contacts who allow one purpose: nothing links their anonymous events of the other to them."""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hushpost.v1 import admin_pb2
from hushpost_client import Consent, Count, Event, History, PreferenceEntry
from tests.conftest import RunningAuthority
from tests.inspection import Connection, connected, tenant_number
from tests.mailing import clients_of, exact_count, send
from tests.modes.model import Consent as ModelConsent
from tests.modes.model import Mode, Model, Policy, State, changed
from tests.modes.replay import Replay, new_keys
from tests.wire import Wire

from .attack import FULL, SEED, Attack, Score
from .conftest import Report
from .database_copies import by_chance
from .scenario import Scenario, start_scenario

STORIES = 300 if FULL else 15
STEPS = 40
NAMES = ("ann", "bob", "cat")
LINKS = 20
UNLIKELY = 1e-4
"""Significance level: a result less probable than this was not achieved by guessing."""

REFUSED = (Mode.ANONYMOUS, Mode.ANONYMOUS, Mode.ANONYMOUS, Mode.AGGREGATE)

Place = tuple[int, int, int]
"""(campaign, group, slot)."""


@pytest.fixture
async def database(authority: RunningAuthority) -> AsyncIterator[Connection]:
    """A direct connection to the authority's database."""
    async with connected(authority.process.data_dir) as connection:
        yield connection


async def named_slots(database: Connection, tenant: int) -> set[Place]:
    """Return the slots that event rows name together with a contact."""
    rows = await database.fetch(
        "select distinct campaign, group_number, slot from events where tenant = $1", tenant
    )
    return set(map(tuple, rows))


async def marked_slots(database: Connection, tenant: int, *modes: int) -> set[Place]:
    """Return the slots that have a bit of one of the modes."""
    rows = await database.fetch(
        "select campaign, group_number, chunk, bits from slot_bits"
        " where tenant = $1 and mode = any($2)",
        tenant,
        modes,
    )
    return {
        (campaign, group, chunk * len(bits) + place)
        for campaign, group, chunk, bits in rows
        for place, bit in enumerate(bits.as_string().replace(" ", ""))
        if bit == "1"
    }


@pytest.mark.timeout(300)
async def test_no_row_names_the_slot_of_an_anonymous_event(
    authority: RunningAuthority, database: Connection, report: Report
) -> None:
    """After any changes of consent and policy, rows name no slot with an anonymous bit.

    The control are the bits of identified events: each has a row that names its slot.
    """
    linked = anonymous = named = identified = 0
    async with Wire(authority.target) as wire:
        request = admin_pb2.CreateApiKeyRequest(role=admin_pb2.ROLE_EDGE)
        edge_key = (await wire.call("CreateApiKey", request, authority.admin_key)).secret
        for story in range(STORIES):
            choices = random.Random(SEED + story)  # noqa: S311 - no secret, and repeatable
            policy = _policy(choices)
            keys = await new_keys(wire, authority.admin_key, edge_key, policy)
            now = datetime.now(UTC).replace(microsecond=0)
            play = Replay(wire, keys, now, Model(policy))
            tenant = await tenant_number(database, keys.tenant_id)
            async for _ in _story(play, choices):
                rows = await named_slots(database, tenant)
                hidden = await marked_slots(database, tenant, 2, 12)
                known = await marked_slots(database, tenant, 1)
                linked += len(rows & hidden)
                anonymous += len(hidden) if rows else 0
                named += len(rows & known)
                identified += len(known)
            await play.compare()
    report(
        Attack(
            "partial consent: slots of anonymous events",
            real=Score(anonymous, linked),
            control=Score(identified, named),
        )
    )
    assert not linked
    assert anonymous
    assert named == identified


def _policy(choices: random.Random) -> Policy:
    """Return a policy under which much is anonymous."""
    return Policy(opens=_modes(choices), clicks=_modes(choices), keep=choices.random() < 0.3)


def _modes(choices: random.Random) -> tuple[Mode, Mode, Mode]:
    unknown = choices.choice((Mode.IDENTIFIED, Mode.IDENTIFIED, *Mode))
    return unknown, choices.choice(REFUSED), choices.choice(REFUSED)


async def _story(play: Replay, choices: random.Random) -> AsyncIterator[None]:
    """Let contacts act, and change what they consent to; yield after each change."""
    await play.create_campaign()
    for name in NAMES:
        await _decide(play, choices, name)
        await play.issue(0, name)
    for _ in range(STEPS):
        kind = choices.random()
        if kind < 0.75:
            await play.record(
                choices.randrange(20),
                choices.randrange(3),
                hours_ago=0,
                machine=False,
                gpc=choices.random() < 0.1,
                is_misused=choices.random() < 0.1,
            )
            continue
        if kind < 0.93:
            await _decide(play, choices, choices.choice(NAMES))
        elif kind < 0.96:
            changes = _policy(choices)
            field = choices.choice(("opens", "clicks"))
            await play.update_policy(changed(play.model.policy, field, getattr(changes, field)))
        elif kind < 0.98:
            await play.erase(choices.choice(NAMES))
        else:
            await play.issue(0, choices.choice(NAMES))
        yield


async def _decide(play: Replay, choices: random.Random, name: str) -> None:
    """Set the consent of a contact, mostly to one purpose."""
    keep = choices.choice((None, None, False, True))
    consent = choices.choice(list(ModelConsent))
    kind = choices.randrange(5)
    if kind == 0:
        await play.set_view(name, choices.choice(list(State)), keep=keep)
    elif kind <= 2:
        await play.set_consents(name, consent, None, keep=keep)
    else:
        await play.set_consents(name, None, consent, keep=keep)


async def test_tokens_of_one_message_have_unrelated_slots(
    authority: RunningAuthority, database: Connection
) -> None:
    """The row of an open names another slot than the bit of the click on the same message."""
    async with AsyncExitStack() as stack:
        clients = await clients_of(stack, authority)
        preferences = clients.sender.preferences
        await preferences.set_preference("ann", clicks_consent=Consent.DENIED)
        mailing = await send(clients, ["ann"])
        assert mailing.tokens["ann"] != mailing.click_tokens["ann"]
        await mailing.open("ann")
        await mailing.click("ann")
        stats = await mailing.stats()
        assert stats.opens.human.identified == Count(1, 1)
        assert exact_count(stats.clicks.human.anonymous) == Count(1, 1)
        tenant = await tenant_number(database, clients.tenant_id)
        (named,) = await named_slots(database, tenant)
        (marked,) = await marked_slots(database, tenant, 2)
        assert named[:2] == marked[:2], "one campaign and one group"
        assert named != marked


@pytest.mark.parametrize("history", [History.ANONYMIZE, History.KEEP])
async def test_later_acts_on_a_slot_that_rows_name_are_aggregate(
    authority: RunningAuthority, database: Connection, history: History
) -> None:
    """A message with one slot: who withdraws about clicks leaves no bit on it while opens are named."""
    async with AsyncExitStack() as stack:
        clients = await clients_of(stack, authority)
        preferences = clients.sender.preferences
        mailing = await send(clients, ["ann"])
        await mailing.open("ann")
        await mailing.click("ann")
        tenant = await tenant_number(database, clients.tenant_id)
        (sent,) = await named_slots(database, tenant)
        await preferences.set_preference("ann", clicks_consent=Consent.WITHDRAWN, history=history)
        await mailing.click("ann")
        clicks = (await mailing.stats()).clicks.human
        kept = history is History.KEEP
        assert clicks.identified == (Count(1, 1) if kept else Count(0, 0))
        assert exact_count(clicks.aggregate) == Count(1 if kept else 2, 0)
        assert await marked_slots(database, tenant, 2, 12) == set()
        assert await mailing.engaged() == {"ann"}, "by the open"
        assert sent in await named_slots(database, tenant)
        await preferences.set_preference("ann", opens_consent=Consent.WITHDRAWN, history=history)
        await mailing.open("ann")
        assert sent in await marked_slots(database, tenant, 2)
        assert sent not in await named_slots(database, tenant)
        assert await mailing.engaged() == set()


@pytest.fixture
async def scenario(tmp_path: Path) -> AsyncIterator[Scenario]:
    """An authority of its own, because a scrub rewrites all tables."""
    async with start_scenario(tmp_path) as scenario:
        yield scenario


async def test_scrub_removes_which_open_was_recorded_with_which_click(
    scenario: Scenario, report: Report
) -> None:
    """After a scrub, anonymous clicks cannot be matched with identified opens by their order.

    Documented limit, and the control: before the scrub, the row of an open has the transaction
    ID of the counter of a click that was recorded in the same commit.
    """
    names = [f"reader {number:02}" for number in range(LINKS)]
    sender = scenario.clients.sender
    await sender.preferences.batch_set_preferences(
        [PreferenceEntry(name, clicks_consent=Consent.DENIED) for name in names]
    )
    urls = [f"https://shop.example.com/{number}" for number in range(LINKS)]
    await sender.campaigns.create_campaign("mixed", links=urls, groups=["all"])
    issued = (await sender.campaigns.issue_tokens("mixed", "all", names)).tokens
    order = random.Random(SEED).sample(range(1, LINKS + 1), LINKS)  # noqa: S311 - no secret, and repeatable
    for message, link in zip(issued, order, strict=True):
        assert message.token
        assert message.click_token
        opened, clicked = Event(message.token), Event(message.click_token, link_number=link)
        await scenario.clients.edge.tracking.record_events([opened, clicked])
    clicks = dict(zip(names, order, strict=True))
    before = await _right_matches(scenario.database, clicks)
    scenario.scrub()
    after = await _right_matches(scenario.database, clicks)
    report(Attack("stolen: partial consent, scrubbed", after, before, 1 / LINKS))
    assert before.share == 1
    assert by_chance(after, 1 / LINKS) > UNLIKELY


async def _right_matches(database: Connection, clicks: Mapping[str, int]) -> Score:
    """Match identified opens with anonymous clicks by transaction ID, then by position."""
    opened = await database.fetch(
        "select contact_id from events join contacts using (tenant, contact)"
        " order by events.xmin::text::bigint"
    )
    counted = await database.fetch(
        "select signal from counters where signal > 0 and mode = 2"
        " order by xmin::text::bigint, ctid"
    )
    right = [clicks[name] == link for (name,), (link,) in zip(opened, counted, strict=True)]
    return Score(len(right), sum(right))
