"""The client and the authority, through real sockets: every call of the five services."""

import dataclasses
import uuid
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hushpost_client import (
    AlreadyExistsError,
    DoNotTrack,
    Engagement,
    ErrorReason,
    Event,
    FailedPreconditionError,
    History,
    Hushpost,
    HushpostError,
    InvalidArgumentError,
    Mode,
    NewLink,
    NotFoundError,
    PermissionDeniedError,
    PolicyUpdate,
    PreferenceEntry,
    PreferenceSource,
    Proof,
    Role,
    UnauthenticatedError,
    UnimplementedError,
    Verdict,
)

URLS = ("https://shop.example.com/sale?x=1&y=ä", "https://blog.example.com/")


@pytest.fixture
async def campaign(clients: Any) -> str:
    """A campaign with two links and one group, in which anonymous numbers are exact."""
    await clients.admin.admin.update_policy(PolicyUpdate(quorum=1))
    created = await clients.sender.campaigns.create_campaign(
        "spring", links=[NewLink(URLS[0], label="header"), URLS[1]], groups=["vip"]
    )
    return str(created.campaign_id)


async def test_a_campaign_is_created_extended_and_closed(
    clients: Any,
) -> None:
    """A campaign keeps its links to the byte and its groups in order, until it is closed."""
    campaigns = clients.sender.campaigns
    before = datetime.now(UTC) - timedelta(minutes=5)
    created = await campaigns.create_campaign(
        links=[NewLink(URLS[0], label="header")], groups=["b", "a"], display_name="Spring"
    )
    assert created.tenant_id == clients.tenant_id
    assert created.campaign_id
    assert created.create_time > before
    assert created.close_time is None
    extended = await campaigns.extend_campaign(
        created.campaign_id, links=[URLS[1]], groups=["c", "a"]
    )
    assert [(link.link_number, link.url, link.label) for link in extended.links] == [
        (1, URLS[0], "header"),
        (2, URLS[1], None),
    ]
    assert extended.groups == ("b", "a", "c")
    assert await campaigns.get_campaign(created.campaign_id) == extended
    closed = await campaigns.close_campaign(created.campaign_id)
    assert closed.close_time is not None
    with pytest.raises(FailedPreconditionError) as caught:
        await campaigns.issue_tokens(created.campaign_id, "a", ["ann"])
    assert caught.value.reason is ErrorReason.CAMPAIGN_CLOSED


async def test_lists_go_through_all_pages(clients: Any) -> None:
    """Campaigns come newest first, however small the pages are."""
    for number in range(5):
        await clients.sender.campaigns.create_campaign(f"c{number}")
    listed = clients.reporter.campaigns.list_campaigns(page_size=2)
    assert [c.campaign_id async for c in listed] == ["c4", "c3", "c2", "c1", "c0"]


async def test_preferences_are_set_read_and_proved(clients: Any) -> None:
    """A preference has its mode, its time and an entry in the change log."""
    preferences = clients.sender.preferences
    unknown = await preferences.get_preference("ann")
    assert (unknown.do_not_track, unknown.update_time) == (DoNotTrack.UNSET, None)
    assert unknown.mode is Mode.IDENTIFIED
    preference = await preferences.set_preference(
        "ann",
        DoNotTrack.TRUE,
        source=PreferenceSource.RECIPIENT,
        evidence="form 7",
        history=History.ANONYMIZE,
    )
    assert (preference.contact_id, preference.do_not_track) == ("ann", DoNotTrack.TRUE)
    assert preference.mode is Mode.ANONYMOUS
    assert await preferences.get_preference("ann") == preference
    (change,) = [c async for c in preferences.list_preference_changes("ann")]
    assert (change.old_do_not_track, change.new_do_not_track) == (
        DoNotTrack.UNSET,
        DoNotTrack.TRUE,
    )
    assert (change.source, change.evidence) == (PreferenceSource.RECIPIENT, "form 7")
    assert change.actor


async def test_a_batch_of_preferences(clients: Any) -> None:
    """A batch tells how many contacts are new and how many preferences changed."""
    entries = [
        PreferenceEntry(
            "ann", DoNotTrack.TRUE, source=PreferenceSource.IMPORT, evidence="contacts.csv:2"
        ),
        PreferenceEntry("bob", DoNotTrack.FALSE, source=PreferenceSource.IMPORT_EMPTY_CELL),
        PreferenceEntry("cid", None),
    ]
    preferences = clients.sender.preferences
    first = await preferences.batch_set_preferences(entries, tenant_id=clients.tenant_id)
    assert (first.created_count, first.changed_count) == (3, 2)
    again = await preferences.batch_set_preferences(entries)
    assert (again.created_count, again.changed_count) == (0, 0)
    changes = [c async for c in preferences.list_preference_changes(page_size=1)]
    assert {c.contact_id for c in changes} == {"ann", "bob"}


async def test_an_erased_contact_is_forgotten(clients: Any) -> None:
    """After an erasure the contact is UNSET and its proof is gone."""
    preferences = clients.sender.preferences
    await preferences.set_preference("ann", DoNotTrack.TRUE)
    await preferences.erase_contact("ann", proof=Proof.DELETE)
    assert (await preferences.get_preference("ann")).do_not_track is DoNotTrack.UNSET
    assert [c async for c in preferences.list_preference_changes("ann")] == []


async def test_a_preference_page_needs_its_token_only(clients: Any, campaign: str) -> None:
    """An edge reads and sets a preference by token and never learns whose it is."""
    issued = await clients.sender.campaigns.issue_tokens(
        campaign, "vip", ["ann"], include_preference_tokens=True
    )
    token = issued.tokens[0].preference_token
    edge = clients.edge.preferences
    assert (await edge.get_preference_by_token(token)).do_not_track is DoNotTrack.UNSET
    done = await edge.set_preference_by_token(token, DoNotTrack.TRUE)
    assert (done.contact_id, done.do_not_track) == (None, DoNotTrack.TRUE)
    known = await clients.sender.preferences.get_preference("ann")
    assert known.do_not_track is DoNotTrack.TRUE


async def test_events_become_numbers(clients: Any, campaign: str) -> None:
    """Opens and clicks that are recorded are the ones that are counted, once."""
    sender, edge = clients.sender, clients.edge.tracking
    await sender.preferences.set_preference("bob", DoNotTrack.TRUE)
    issued = await sender.campaigns.issue_tokens(campaign, "vip", ["ann", "bob", "cid"])
    assert [(t.contact_id, t.mode) for t in issued.tokens] == [
        ("ann", Mode.IDENTIFIED),
        ("bob", Mode.ANONYMOUS),
        ("cid", Mode.IDENTIFIED),
    ]
    ann, bob, cid = (issued_token.token for issued_token in issued.tokens)
    request_id = uuid.uuid4()
    for _ in range(2):
        await edge.record_open(ann, verdict=Verdict.HUMAN, request_id=request_id)
    assert await edge.record_click(ann, 1, verdict=Verdict.HUMAN) == URLS[0]
    assert await edge.resolve_link(bob, 2) == URLS[1]
    now = datetime.now(UTC)
    recorded = await edge.record_events(
        [
            Event(bob, event_time=now, verdict=Verdict.PROXY),
            Event("nonsense", event_time=now),
            Event(cid, link_number=9, event_time=now),
            Event(cid, event_time=now, verdict=Verdict.PREFETCH),
            Event(cid, event_time=now + timedelta(hours=1)),
        ]
    )
    assert recorded.accepted_count == 2
    assert [(r.index, r.reason) for r in recorded.rejected] == [
        (1, ErrorReason.TOKEN_INVALID),
        (2, ErrorReason.LINK_NOT_FOUND),
        (4, ErrorReason.EVENT_TIME_IN_FUTURE),
    ]
    stats = await clients.reporter.stats.get_campaign_stats(campaign)
    assert (stats.sent.identified, stats.sent.anonymous) == (2, 1)
    assert (stats.opens.human.identified.total, stats.opens.human.anonymous.total) == (
        1,
        1,
    )
    assert stats.opens.machine.identified.total == 1
    assert (stats.clicks.human.identified.unique, stats.quorum) == (1, 1)
    assert [group.group_id for group in stats.groups] == ["vip"]
    assert [link.url for link in stats.links] == list(URLS)
    assert stats.hours[0].start_time.tzinfo is UTC
    assert stats.rates.open_rate.combined == pytest.approx(2 / 3)
    engaged = clients.reporter.stats.list_engaged_contacts(campaign, Engagement.ANY)
    (contact,) = [c async for c in engaged]
    assert (contact.contact_id, contact.open_count, contact.click_count) == (
        "ann",
        1,
        1,
    )


async def test_links_are_watched(clients: Any) -> None:
    """An edge is told of all links there are, then of new ones, and can go on by cursor."""

    async def register(campaign_id: str) -> int:
        created = await clients.sender.campaigns.create_campaign(campaign_id, links=[URLS[0]])
        return int(created.campaign_number)

    first = await register("one")
    seen, cursor = set(), None
    async with aclosing(clients.edge.tracking.watch_links()) as updates:
        async for update in updates:
            seen |= {link.campaign_number for link in update.links}
            cursor = update.cursor
            if update.snapshot_complete:
                break
        assert first in seen
        second = await register("two")
        async for update in updates:
            seen |= {link.campaign_number for link in update.links}
            if second in seen:
                break
    async with aclosing(clients.edge.tracking.watch_links(cursor)) as updates:
        async for update in updates:
            assert first not in {link.campaign_number for link in update.links}
            if second in {link.campaign_number for link in update.links}:
                break


async def test_tenants_and_policies(clients: Any) -> None:
    """A policy starts with the documented defaults and changes only where asked."""
    admin = clients.installation.admin
    tenant_id = f"t{uuid.uuid4().hex[:12]}"
    tenant = await admin.create_tenant(
        tenant_id, display_name="Shop", policy=PolicyUpdate(retention_days=30)
    )
    policy = tenant.policy
    assert (policy.anonymization_enabled, policy.quorum, policy.retention_days) == (
        True,
        10,
        30,
    )
    assert (policy.mode_when_true, policy.mode_when_unset) == (
        Mode.ANONYMOUS,
        Mode.IDENTIFIED,
    )
    changed = await admin.update_policy(
        PolicyUpdate(anonymization_enabled=False, quorum=5), tenant_id=tenant_id
    )
    assert (changed.policy.anonymization_enabled, changed.policy.quorum) == (False, 5)
    assert changed.policy.retention_days == 30
    assert (await admin.get_tenant(tenant_id)).policy == changed.policy
    with pytest.raises(AlreadyExistsError):
        await admin.create_tenant(tenant_id)
    with pytest.raises(InvalidArgumentError, match="UPDATE_MASK_INVALID"):
        await admin.update_policy(PolicyUpdate(), tenant_id=tenant_id)


async def test_keys_come_and_go(clients: Any, authority: Any) -> None:
    """A key's secret is told once, works, and stops working when the key is revoked."""
    admin = clients.admin.admin
    request_id = uuid.uuid4()
    made = await admin.create_api_key(Role.SENDER, display_name="mailer", request_id=request_id)
    again = await admin.create_api_key(Role.SENDER, display_name="mailer", request_id=request_id)
    assert again == dataclasses.replace(made, secret=None)
    assert made.secret is not None
    assert made.secret not in repr(made)
    assert made.api_key in [key async for key in admin.list_api_keys(page_size=2)]
    async with Hushpost.connect(authority.target, api_key=made.secret, tls=False) as client:
        await client.preferences.get_preference("ann")
        revoked = await admin.revoke_api_key(made.api_key.key_id)
        assert revoked.revoke_time is not None
        with pytest.raises(UnauthenticatedError) as caught:
            await client.preferences.get_preference("ann")
    assert caught.value.reason is ErrorReason.API_KEY_REVOKED


@pytest.mark.parametrize("key", ["hp_nonsense", "nonsense"])
async def test_a_wrong_key_is_refused(authority: Any, key: str) -> None:
    """Nobody without a key does anything."""
    async with Hushpost.connect(authority.target, api_key=key, tls=False) as client:
        with pytest.raises(UnauthenticatedError):
            await client.preferences.get_preference("ann")


async def test_refusals_have_their_class_and_reason(clients: Any) -> None:
    """Each refusal of the authority arrives as the class and reason of the contract."""
    sender, edge = clients.sender, clients.edge
    with pytest.raises(PermissionDeniedError) as role:
        await clients.reporter.campaigns.create_campaign("x")
    assert role.value.reason is ErrorReason.ROLE_NOT_ALLOWED
    assert set(role.value.metadata) == {"role", "method"}
    with pytest.raises(PermissionDeniedError) as foreign:
        await sender.preferences.get_preference("ann", tenant_id="somebody-else")
    assert foreign.value.reason is ErrorReason.TENANT_NOT_ALLOWED
    with pytest.raises(NotFoundError) as unknown:
        await sender.campaigns.get_campaign("nonsense")
    assert unknown.value.reason is ErrorReason.CAMPAIGN_NOT_FOUND
    with pytest.raises(InvalidArgumentError) as token:
        await edge.tracking.record_open("nonsense")
    assert token.value.reason is ErrorReason.TOKEN_INVALID
    with pytest.raises(InvalidArgumentError) as batch:
        await edge.tracking.record_events([])
    assert batch.value.reason is ErrorReason.BATCH_EMPTY
    with pytest.raises(InvalidArgumentError) as contact:
        await sender.preferences.batch_set_preferences(
            [
                PreferenceEntry("ann", DoNotTrack.TRUE),
                PreferenceEntry("", DoNotTrack.TRUE),
            ]
        )
    assert contact.value.reason is ErrorReason.CONTACT_ID_INVALID
    assert contact.value.metadata["index"] == "1"
    assert (await sender.preferences.get_preference("ann")).update_time is None


async def test_what_is_not_offered_says_so(clients: Any, campaign: str) -> None:
    """A call of a later version is refused as not implemented, if it is."""
    try:
        async with aclosing(clients.reporter.stats.watch_campaign_stats(campaign)) as updates:
            assert (await anext(updates)).campaign_id == campaign
    except UnimplementedError as error:
        assert error.reason is ErrorReason.NOT_IMPLEMENTED  # noqa: PT017 - either is right
    except HushpostError:  # pragma: no cover
        pytest.fail("neither an answer nor NOT_IMPLEMENTED")
