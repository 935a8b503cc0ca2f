"""Stored request ids: the database and the keyring do not tell which contact a request named."""

import json
import uuid
import zlib
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import product
from uuid import UUID

import pytest

from hushpost_client import DoNotTrack, Event, Proof
from hushpost_service.domain.request_contents import content_digest, stored_request_id
from hushpost_service.storage.request_ids import Method
from hushpost_service.tokens.keyring import Keyring
from tests.mailing import GROUP

from .attack import FULL, Attack, Score
from .conftest import Report
from .scenario import Scenario, start_scenario

CONTACTS = [f"reader-{number:03}" for number in range(100 if FULL else 20)]
RECORDING = (Method.RECORD_OPEN, Method.RECORD_CLICK, Method.RECORD_EVENTS)

_ROWS = "select method, request_id, content from request_ids where content is not null"


@pytest.fixture(scope="module")
async def scenario(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scenario]:
    """An authority used by this module only."""
    async with start_scenario(tmp_path_factory.mktemp("requests")) as scenario:
        yield scenario


def _contents(method: Method, contact: str) -> list[Mapping[str, object]]:
    """Return the possible contents of a request that names a contact."""
    if method is Method.SET_PREFERENCE:
        choices = product(DoNotTrack, (1, 2, 3))
        numbers = {DoNotTrack.UNSET: 1, DoNotTrack.FALSE: 2, DoNotTrack.TRUE: 3}
        no_details = ("", "", "", None)
        return [
            {"entries": [(contact, numbers[choice], source, "", *no_details)]}
            for choice, source in choices
        ]
    if method is Method.ERASE_CONTACT:
        return [{"contact_id": contact, "proof": proof} for proof in (1, 2)]
    if method is Method.ISSUE_TOKENS:
        common = {"campaign_id": "spring", "group_id": GROUP, "contact_ids": [contact]}
        return [{**common, "with_preference_tokens": flag} for flag in (False, True)]
    return []


async def _named(scenario: Scenario, keys: Iterable[UUID]) -> int:
    """Return of how many stored requests the contact is found by trial, with any of the keys."""
    rows = await scenario.database.fetch(_ROWS)
    digests = {content for _, _, content in rows}
    stored = [request_id for _, request_id, _ in rows]
    guesses = {
        content_digest(key, content)
        for key in {*keys, *stored}
        for method in (Method.SET_PREFERENCE, Method.ERASE_CONTACT, Method.ISSUE_TOKENS)
        for contact in CONTACTS
        for content in _contents(method, contact)
    }
    return len(digests & guesses)


def _keys(keyring: Keyring) -> list[UUID]:
    """Return the keys that the holder of the keyring may try: parts of secrets and of keys."""
    secrets = [
        *keyring.secrets.values(),
        *(
            keyring.key(number, purpose, tenant)
            for number in keyring.secrets
            for purpose in ("tracking token", "preference token", "request digest")
            for tenant in range(3)
        ),
    ]
    parts = [one[start : start + 16] for one in secrets for start in range(0, len(one), 16)]
    return [UUID(int=0), *(UUID(bytes=part) for part in parts)]


async def test_stored_digests_name_no_contact(scenario: Scenario, report: Report) -> None:
    """The holder of database and keyring tries every contact; the control knows the request ids."""
    sender = scenario.clients.sender
    await sender.campaigns.create_campaign("spring", groups=[GROUP])
    request_ids = []
    for contact in CONTACTS:
        first, second, third = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
        request_ids += [first, second, third]
        await sender.campaigns.issue_tokens("spring", GROUP, [contact], request_id=first)
        await sender.preferences.set_preference(contact, DoNotTrack.TRUE, request_id=second)
        await sender.preferences.erase_contact(contact, proof=Proof.DELETE, request_id=third)
    keyring = Keyring.load(scenario.process.data_dir / "keyring.json")
    tried = len(request_ids)
    real = Score(tried, await _named(scenario, _keys(keyring)))
    control = Score(tried, await _named(scenario, request_ids))
    report(Attack("stolen: contacts of stored requests", real, control))
    assert control.share == 1
    assert real.succeeded == 0


async def test_recorded_events_leave_only_a_hashed_id(scenario: Scenario) -> None:
    """Of a request that records events, a hash of its id is stored and nothing of its content."""
    mailing = await scenario.mail(["ann", "bob"], "autumn")
    await scenario.choose(["ann"], DoNotTrack.TRUE)
    tracking = scenario.clients.edge.tracking
    request_ids = {method: uuid.uuid1() for method in RECORDING}
    token = mailing.tokens["ann"]
    await tracking.record_open(token, request_id=request_ids[Method.RECORD_OPEN])
    await tracking.record_click(token, 1, request_id=request_ids[Method.RECORD_CLICK])
    await tracking.record_events([Event(token)], request_id=request_ids[Method.RECORD_EVENTS])
    rows = await scenario.database.fetch(
        "select * from request_ids where method = any($1)", list(RECORDING)
    )
    stored = {Method(row["method"]): row for row in rows if row["request_id"]}
    for method, request_id in request_ids.items():
        matching = [row for row in rows if row["request_id"] == stored_request_id(request_id)]
        assert {row["method"] for row in matching} == {method}
    assert stored.keys() == set(RECORDING)
    assert all(row["content"] is None and row["created_number"] is None for row in rows)
    assert not {row["request_id"] for row in rows} & set(request_ids.values())
    columns = {"tenant", "method", "request_id", "period", "created_number", "content", "result"}
    assert all(set(row.keys()) == columns for row in rows)
    assert all(row["result"] is None for row in rows)


async def test_rejected_events_leave_their_positions(scenario: Scenario) -> None:
    """Of a batch that is partly rejected, the positions and reasons of rejected items are stored."""
    mailing = await scenario.mail(["cid"], "winter")
    await scenario.choose(["cid"], DoNotTrack.TRUE)
    request_id = uuid.uuid4()
    events = [Event(mailing.tokens["cid"]), Event("A" * 56)]
    await scenario.clients.edge.tracking.record_events(events, request_id=request_id)
    stored = await scenario.database.fetchval(
        "select result from request_ids where request_id = $1", stored_request_id(request_id)
    )
    assert json.loads(zlib.decompress(stored)) == {"TOKEN_INVALID": [1]}
