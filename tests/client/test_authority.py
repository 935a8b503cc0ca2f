"""Every call of the five services, against a real authority."""

import dataclasses
import uuid
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hushpost_client import (
    AlreadyExistsError,
    Consent,
    DoNotTrack,
    Engagement,
    ErrorReason,
    Event,
    FailedPreconditionError,
    History,
    InvalidArgumentError,
    Mode,
    NewLink,
    NotFoundError,
    PermissionDeniedError,
    PolicyUpdate,
    PreferenceEntry,
    PreferenceSource,
    Proof,
    Release,
    Role,
    UnauthenticatedError,
    Verdict,
)

URLS = ("https://shop.example.com/sale?x=1&y=ä", "https://blog.example.com/")


@pytest.fixture
async def campaign(clients: Any) -> str:
    """A campaign with two links and one group; anonymous counts are exact."""
    await clients.admin.admin.update_policy(PolicyUpdate(release=Release.EXACT))
    created = await clients.sender.campaigns.create_campaign(
        "spring", links=[NewLink(URLS[0], label="header"), URLS[1]], groups=["vip"]
    )
    return str(created.campaign_id)


async def test_a_campaign_is_created_extended_and_closed(clients: Any) -> None:
    """A campaign returns its links unchanged and its groups in order; closing it ends issuing."""
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


async def test_lists_return_all_pages(clients: Any) -> None:
    """Campaigns are listed newest first, across pages."""
    for number in range(5):
        await clients.sender.campaigns.create_campaign(f"c{number}")
    listed = clients.reporter.campaigns.list_campaigns(page_size=2)
    assert [c.campaign_id async for c in listed] == ["c4", "c3", "c2", "c1", "c0"]


async def test_preferences_are_set_read_and_logged(clients: Any) -> None:
    """A preference has a mode and an update time, and its change is in the log."""
    preferences = clients.sender.preferences
    initial = await preferences.get_preference("ann")
    assert (initial.do_not_track, initial.update_time) == (DoNotTrack.UNSET, None)
    assert initial.mode is Mode.IDENTIFIED
    preference = await preferences.set_preference(
        "ann",
        DoNotTrack.TRUE,
        source=PreferenceSource.SENDER,
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
    assert (change.source, change.evidence) == (PreferenceSource.SENDER, "form 7")
    assert change.actor


async def test_a_batch_counts_created_contacts_and_changed_preferences(clients: Any) -> None:
    """A batch returns how many contacts were created and how many preferences changed."""
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
    repeated = await preferences.batch_set_preferences(entries)
    assert (repeated.created_count, repeated.changed_count) == (0, 0)
    changes = [c async for c in preferences.list_preference_changes(page_size=1)]
    assert {c.contact_id for c in changes} == {"ann", "bob"}


async def test_an_erased_contact_is_unset(clients: Any) -> None:
    """After an erasure the contact is UNSET and its change log is empty."""
    preferences = clients.sender.preferences
    await preferences.set_preference("ann", DoNotTrack.TRUE)
    await preferences.erase_contact("ann", proof=Proof.DELETE)
    assert (await preferences.get_preference("ann")).do_not_track is DoNotTrack.UNSET
    assert [c async for c in preferences.list_preference_changes("ann")] == []


async def test_a_preference_token_replaces_the_contact_id(clients: Any, campaign: str) -> None:
    """An edge reads and sets a preference by token; the result does not name the contact."""
    issued = await clients.sender.campaigns.issue_tokens(
        campaign, "vip", ["ann"], include_preference_tokens=True
    )
    token = issued.tokens[0].preference_token
    edge = clients.edge.preferences
    assert (await edge.get_preference_by_token(token)).do_not_track is DoNotTrack.UNSET
    changed = await edge.set_preference_by_token(token, DoNotTrack.TRUE)
    assert (changed.contact_id, changed.do_not_track) == (None, DoNotTrack.TRUE)
    preference = await clients.sender.preferences.get_preference("ann")
    assert preference.do_not_track is DoNotTrack.TRUE
    assert preference.recipient_view is None


async def test_a_preference_by_token_has_what_its_page_says(clients: Any, campaign: str) -> None:
    """The recipient sees which decisions are their own, and which the sender states."""
    issued = await clients.sender.campaigns.issue_tokens(
        campaign, "vip", ["ann"], include_preference_tokens=True
    )
    token = issued.tokens[0].preference_token
    edge = clients.edge.preferences
    await clients.sender.preferences.set_preference("ann", DoNotTrack.FALSE)
    view = (await edge.get_preference_by_token(token)).recipient_view
    assert (view.opens_decided_by_recipient, view.clicks_decided_by_recipient) == (False, False)
    changed = await edge.set_preference_by_token(token, opens_consent=Consent.WITHDRAWN)
    view = changed.recipient_view
    assert (view.opens_decided_by_recipient, view.clicks_decided_by_recipient) == (True, False)
    assert view.last_open_recorded is False


async def test_recorded_events_are_counted_once(clients: Any, campaign: str) -> None:
    """Valid opens and clicks are counted once; invalid ones are rejected with a reason."""
    sender, edge = clients.sender, clients.edge.tracking
    await sender.preferences.set_preference("bob", DoNotTrack.TRUE)
    issued = await sender.campaigns.issue_tokens(campaign, "vip", ["ann", "bob", "cid"])
    assert [(token.contact_id, token.mode) for token in issued.tokens] == [
        ("ann", Mode.IDENTIFIED),
        ("bob", Mode.ANONYMOUS),
        ("cid", Mode.IDENTIFIED),
    ]
    ann, bob, cid = (token.token for token in issued.tokens)
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
    assert [(event.index, event.reason) for event in recorded.rejected] == [
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
    assert (stats.clicks.human.identified.unique, stats.release.exact) == (1, True)
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


async def test_links_are_streamed(clients: Any) -> None:
    """The stream has all existing links, then new ones, and continues from a cursor."""

    async def register(campaign_id: str) -> int:
        created = await clients.sender.campaigns.create_campaign(campaign_id, links=[URLS[0]])
        return int(created.campaign_number)

    first = await register("one")
    received, cursor = set(), None
    async with aclosing(clients.edge.tracking.watch_links()) as updates:
        async for update in updates:
            received |= {link.campaign_number for link in update.links}
            cursor = update.cursor
            if update.snapshot_complete:
                break
        assert first in received
        second = await register("two")
        async for update in updates:
            received |= {link.campaign_number for link in update.links}
            if second in received:
                break
    async with aclosing(clients.edge.tracking.watch_links(cursor)) as updates:
        async for update in updates:
            assert first not in {link.campaign_number for link in update.links}
            if second in {link.campaign_number for link in update.links}:
                break


async def test_a_policy_update_changes_only_its_settings(clients: Any) -> None:
    """A policy has the documented defaults; an update changes only the settings it names."""
    admin = clients.installation.admin
    tenant_id = f"t{uuid.uuid4().hex[:12]}"
    tenant = await admin.create_tenant(
        tenant_id, display_name="Shop", policy=PolicyUpdate(retention_days=30)
    )
    policy = tenant.policy
    assert (policy.anonymization_enabled, policy.retention_days) == (True, 30)
    assert (policy.release, policy.epsilon) == (Release.NOISY, 2.0)
    assert policy.release_delays == (
        timedelta(hours=6),
        timedelta(days=1),
        timedelta(days=7),
        timedelta(days=30),
    )
    assert (policy.mode_when_true, policy.mode_when_unset) == (
        Mode.ANONYMOUS,
        Mode.IDENTIFIED,
    )
    changed = await admin.update_policy(
        PolicyUpdate(
            anonymization_enabled=False, epsilon=0.5, release_delays=[timedelta(seconds=5)]
        ),
        tenant_id=tenant_id,
    )
    assert (changed.policy.anonymization_enabled, changed.policy.epsilon) == (False, 0.5)
    assert changed.policy.release_delays == (timedelta(seconds=5),)
    assert changed.policy.retention_days == 30
    assert (await admin.get_tenant(tenant_id)).policy == changed.policy
    with pytest.raises(AlreadyExistsError):
        await admin.create_tenant(tenant_id)
    with pytest.raises(InvalidArgumentError, match="UPDATE_MASK_INVALID"):
        await admin.update_policy(PolicyUpdate(), tenant_id=tenant_id)


async def test_an_api_key_works_until_it_is_revoked(
    clients: Any, authority: Any, connect: Any
) -> None:
    """The secret is returned only once, and rejected after the key was revoked."""
    admin = clients.admin.admin
    request_id = uuid.uuid4()
    created = await admin.create_api_key(Role.SENDER, display_name="mailer", request_id=request_id)
    repeated = await admin.create_api_key(Role.SENDER, display_name="mailer", request_id=request_id)
    assert repeated == dataclasses.replace(created, secret=None)
    assert created.secret is not None
    assert created.secret not in repr(created)
    assert created.api_key in [key async for key in admin.list_api_keys(page_size=2)]
    async with connect(authority.target, api_key=created.secret) as client:
        await client.preferences.get_preference("ann")
        revoked = await admin.revoke_api_key(created.api_key.key_id)
        assert revoked.revoke_time is not None
        with pytest.raises(UnauthenticatedError) as caught:
            await client.preferences.get_preference("ann")
    assert caught.value.reason is ErrorReason.API_KEY_REVOKED


@pytest.mark.parametrize("key", ["hp_nonsense", "nonsense"])
async def test_an_unknown_api_key_is_rejected(authority: Any, connect: Any, key: str) -> None:
    """A call with an unknown or malformed key raises UnauthenticatedError."""
    async with connect(authority.target, api_key=key) as client:
        with pytest.raises(UnauthenticatedError):
            await client.preferences.get_preference("ann")


async def test_rejected_calls_have_a_class_and_reason(clients: Any) -> None:
    """A rejected call raises the documented exception with its reason."""
    sender, edge = clients.sender, clients.edge
    with pytest.raises(PermissionDeniedError) as role:
        await clients.reporter.campaigns.create_campaign("x")
    assert role.value.reason is ErrorReason.ROLE_NOT_ALLOWED
    assert set(role.value.metadata) == {"role", "method"}
    with pytest.raises(PermissionDeniedError) as other_tenant:
        await sender.preferences.get_preference("ann", tenant_id="other-tenant")
    assert other_tenant.value.reason is ErrorReason.TENANT_NOT_ALLOWED
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


async def test_watched_stats_are_streamed(clients: Any, campaign: str) -> None:
    """A stream has the present statistics, then those after a change."""
    stats = clients.reporter.stats
    async with aclosing(stats.watch_campaign_stats(campaign)) as updates:
        assert await anext(updates) == await stats.get_campaign_stats(campaign)
        await clients.sender.campaigns.extend_campaign(campaign, groups=["late"])
        changed = await anext(updates)
    assert "late" in {group.group_id for group in changed.groups}
    assert changed == await stats.get_campaign_stats(campaign)


async def test_watching_an_unknown_campaign_raises(clients: Any) -> None:
    """The stream of a campaign that does not exist ends with CAMPAIGN_NOT_FOUND."""
    with pytest.raises(NotFoundError) as caught:
        await anext(clients.reporter.stats.watch_campaign_stats("nonsense"))
    assert caught.value.reason is ErrorReason.CAMPAIGN_NOT_FOUND
