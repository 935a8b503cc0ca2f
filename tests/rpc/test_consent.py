"""Consent per purpose: set, read, protected from imports, and proved by the log of changes."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hushpost_client import (
    BatchOutcome,
    Consent,
    ConsentModes,
    DecisionDetails,
    DoNotTrack,
    ErrorReason,
    History,
    InvalidArgumentError,
    Mode,
    NotFoundError,
    PolicyUpdate,
    Preference,
    PreferenceEntry,
    PreferenceSource,
)
from tests.conftest import Clients
from tests.inspection import Connection, events_of, tenant_number
from tests.mailing import send

UNKNOWN, GRANTED, DENIED, WITHDRAWN = Consent
IMPORT, SENDER, RECIPIENT = (
    PreferenceSource.IMPORT,
    PreferenceSource.SENDER,
    PreferenceSource.RECIPIENT,
)
Consents = tuple[Consent | None, Consent | None]
"""The consents to opens and to clicks."""


def consents(preference: Preference) -> Consents:
    """Return the consents of a preference."""
    return preference.opens_consent, preference.clicks_consent


async def get(clients: Clients, contact: str = "ann") -> Consents:
    """Return the consents of a contact."""
    return consents(await clients.sender.preferences.get_preference(contact))


async def set_consent(
    clients: Clients, opens: Consent | None, clicks: Consent | None, **options: Any
) -> Preference:
    """Set the consents of ann as the SENDER."""
    return await clients.sender.preferences.set_preference(
        "ann", opens_consent=opens, clicks_consent=clicks, **options
    )


async def decide(clients: Clients, opens: Consent | None, clicks: Consent | None) -> None:
    """Set the consents of ann as the RECIPIENT."""
    token = await preference_token(clients)
    await clients.edge.preferences.set_preference_by_token(
        token, opens_consent=opens, clicks_consent=clicks
    )


async def import_consent(
    clients: Clients, opens: Consent | None, clicks: Consent | None
) -> BatchOutcome:
    """Import the consents of ann; check that `validate_only` predicts the outcome."""
    entry = PreferenceEntry("ann", opens_consent=opens, clicks_consent=clicks, source=IMPORT)
    preferences = clients.sender.preferences
    predicted = await preferences.batch_set_preferences([entry], validate_only=True)
    outcome = await preferences.batch_set_preferences([entry])
    assert outcome == predicted
    return outcome


async def preference_token(clients: Clients, contact: str = "ann") -> str:
    """Issue a preference token to a contact."""
    campaign = await clients.sender.campaigns.create_campaign(groups=["all"])
    issued = await clients.sender.campaigns.issue_tokens(
        campaign.campaign_id, "all", [contact], include_preference_tokens=True
    )
    token = issued.tokens[0].preference_token
    assert token
    return token


async def log(clients: Clients) -> list[tuple[Consents, Consents, tuple[bool, bool]]]:
    """Return the log of ann: consents before and after, and which purposes were decided."""
    return [
        (
            (change.old_opens_consent, change.old_clicks_consent),
            (change.new_opens_consent, change.new_clicks_consent),
            (change.opens_decided, change.clicks_decided),
        )
        async for change in clients.sender.preferences.list_preference_changes("ann")
    ]


async def test_each_purpose_is_set_on_its_own(exact_clients: Clients) -> None:
    """A purpose that a call leaves out stays as it is; the simple view is the stricter of both."""
    first = await set_consent(exact_clients, GRANTED, None)
    assert (consents(first), first.do_not_track) == ((GRANTED, UNKNOWN), DoNotTrack.UNSET)
    second = await set_consent(exact_clients, None, DENIED)
    assert (consents(second), second.do_not_track) == ((GRANTED, DENIED), DoNotTrack.TRUE)
    assert (second.opens_mode, second.clicks_mode) == (Mode.IDENTIFIED, Mode.ANONYMOUS)
    assert second.mode is Mode.ANONYMOUS
    third = await set_consent(exact_clients, WITHDRAWN, GRANTED)
    assert (consents(third), third.do_not_track) == ((WITHDRAWN, GRANTED), DoNotTrack.TRUE)
    assert third == await exact_clients.sender.preferences.get_preference("ann")
    assert await log(exact_clients) == [
        ((UNKNOWN, UNKNOWN), (GRANTED, UNKNOWN), (True, False)),
        ((GRANTED, UNKNOWN), (GRANTED, DENIED), (False, True)),
        ((GRANTED, DENIED), (WITHDRAWN, GRANTED), (True, True)),
    ]


async def test_each_consent_has_the_mode_of_the_policy(exact_clients: Clients) -> None:
    """Modes come from the policy, by purpose and consent."""
    await exact_clients.admin.admin.update_policy(
        PolicyUpdate(
            opens_modes=ConsentModes(
                when_unknown=Mode.OFF, when_denied=Mode.ANONYMOUS, when_withdrawn=Mode.AGGREGATE
            ),
            clicks_modes=ConsentModes(
                when_unknown=Mode.IDENTIFIED, when_denied=Mode.OFF, when_withdrawn=Mode.ANONYMOUS
            ),
        )
    )
    expected = {
        UNKNOWN: (Mode.OFF, Mode.IDENTIFIED),
        GRANTED: (Mode.IDENTIFIED, Mode.IDENTIFIED),
        DENIED: (Mode.ANONYMOUS, Mode.OFF),
        WITHDRAWN: (Mode.AGGREGATE, Mode.ANONYMOUS),
    }
    for opens, (opens_mode, _) in expected.items():
        for clicks, (_, clicks_mode) in expected.items():
            found = await set_consent(exact_clients, opens, clicks)
            assert (found.opens_mode, found.clicks_mode) == (opens_mode, clicks_mode)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((UNKNOWN, UNKNOWN), (DENIED, DENIED)),
        ((GRANTED, GRANTED), (WITHDRAWN, WITHDRAWN)),
        ((GRANTED, UNKNOWN), (WITHDRAWN, DENIED)),
        ((DENIED, GRANTED), (DENIED, WITHDRAWN)),
        ((WITHDRAWN, UNKNOWN), (WITHDRAWN, DENIED)),
    ],
)
async def test_do_not_track_withdraws_what_was_granted(
    exact_clients: Clients, before: Consents, after: Consents
) -> None:
    """TRUE makes GRANTED consent WITHDRAWN, and UNKNOWN consent DENIED; a refusal stays."""
    await set_consent(exact_clients, *before)
    changed = await exact_clients.sender.preferences.set_preference("ann", DoNotTrack.TRUE)
    assert consents(changed) == after
    again = await exact_clients.sender.preferences.set_preference("ann", DoNotTrack.TRUE)
    assert again == changed
    granted = await exact_clients.sender.preferences.set_preference("ann", DoNotTrack.FALSE)
    assert consents(granted) == (GRANTED, GRANTED)
    unset = await exact_clients.sender.preferences.set_preference("ann", DoNotTrack.UNSET)
    assert consents(unset) == (UNKNOWN, UNKNOWN)


async def test_details_are_logged_as_given(exact_clients: Clients) -> None:
    """The log has how a decision was made, and the time that was stated next to its own."""
    details = DecisionDetails(
        source_id="form 7",
        wording_version="2026-09",
        wording_language="it-CH",
        decision_time=datetime(2019, 5, 4, 3, 2, 1, 123456, UTC),
    )
    preferences = exact_clients.sender.preferences
    await set_consent(exact_clients, GRANTED, None, details=details, evidence="x")
    await preferences.batch_set_preferences(
        [PreferenceEntry("ann", DoNotTrack.TRUE, details=details)]
    )
    await exact_clients.edge.preferences.set_preference_by_token(
        await preference_token(exact_clients), DoNotTrack.FALSE, details=details
    )
    await set_consent(exact_clients, UNKNOWN, UNKNOWN)
    changes = [change async for change in preferences.list_preference_changes("ann")]
    assert [change.details for change in changes] == [details] * 3 + [DecisionDetails()]
    assert [change.evidence for change in changes] == ["x", None, None, None]
    now = datetime.now(UTC)
    assert all(now - timedelta(minutes=5) < change.change_time < now for change in changes)
    numbers = [change.change_number for change in changes]
    assert numbers == sorted(set(numbers))


async def test_a_clock_that_is_ahead_is_tolerated(exact_clients: Clients) -> None:
    """A decision may be stated up to five minutes ahead, since clocks differ; not more."""
    for minutes, is_valid in ((4, True), (6, False), (5_000_000, False)):
        ahead = datetime.now(UTC) + timedelta(minutes=minutes)
        entry = PreferenceEntry(
            f"c{minutes}", DoNotTrack.FALSE, details=DecisionDetails(decision_time=ahead)
        )
        call = exact_clients.sender.preferences.batch_set_preferences([entry])
        if is_valid:
            assert (await call).created_count == 1
            continue
        with pytest.raises(InvalidArgumentError) as caught:
            await call
        assert caught.value.reason is ErrorReason.FIELD_INVALID
        assert caught.value.metadata == {"field": "details.decision_time", "index": "0"}


async def test_an_import_does_not_loosen_one_purpose(exact_clients: Clients) -> None:
    """An import is skipped for the purpose that the recipient refused, and set for the other."""
    await decide(exact_clients, DENIED, None)
    outcome = await import_consent(exact_clients, GRANTED, GRANTED)
    assert outcome.protected_indexes == (0,)
    assert (outcome.changed_count, outcome.loosened_count) == (1, 1)
    assert await get(exact_clients) == (DENIED, GRANTED)
    assert (await log(exact_clients))[-1] == (((DENIED, UNKNOWN), (DENIED, GRANTED), (False, True)))


async def test_an_import_that_loosens_one_purpose_still_tightens_the_other(
    exact_clients: Clients,
) -> None:
    """The refusal in a file is not lost because the same entry would loosen a decision."""
    await decide(exact_clients, DENIED, GRANTED)
    outcome = await import_consent(exact_clients, GRANTED, DENIED)
    assert outcome.protected_indexes == (0,)
    assert (outcome.changed_count, outcome.loosened_count, outcome.tightened_count) == (1, 0, 1)
    assert await get(exact_clients) == (DENIED, DENIED)


async def test_the_simple_import_does_not_loosen_one_purpose(exact_clients: Clients) -> None:
    """FALSE in a file grants only what the recipient has not refused."""
    await decide(exact_clients, None, DENIED)
    entry = PreferenceEntry("ann", DoNotTrack.FALSE, source=IMPORT)
    outcome = await exact_clients.sender.preferences.batch_set_preferences([entry])
    assert outcome.protected_indexes == (0,)
    assert await get(exact_clients) == (GRANTED, DENIED)


async def test_a_decision_on_one_purpose_does_not_protect_the_other(
    exact_clients: Clients,
) -> None:
    """A recipient who decides on clicks only has not decided on opens."""
    await decide(exact_clients, None, DENIED)
    assert (await import_consent(exact_clients, GRANTED, None)).protected_indexes == ()
    assert await get(exact_clients) == (GRANTED, DENIED)


async def test_a_sender_who_changes_one_purpose_does_not_replace_the_other_decision(
    exact_clients: Clients,
) -> None:
    """The recipient's refusal of opens stays protected after the sender has set clicks."""
    await decide(exact_clients, DENIED, DENIED)
    await set_consent(exact_clients, DENIED, GRANTED)
    outcome = await import_consent(exact_clients, GRANTED, UNKNOWN)
    assert outcome.protected_indexes == (0,)
    assert await get(exact_clients) == (DENIED, UNKNOWN)
    await set_consent(exact_clients, UNKNOWN, None)
    assert (await import_consent(exact_clients, GRANTED, None)).protected_indexes == ()


async def test_a_confirmation_protects_the_confirmed_purpose(exact_clients: Clients) -> None:
    """A recipient who confirms one purpose is logged, once, with that purpose alone."""
    await import_consent(exact_clients, DENIED, DENIED)
    for _ in range(2):
        await decide(exact_clients, DENIED, None)
    assert (await log(exact_clients))[1:] == [((DENIED, DENIED), (DENIED, DENIED), (True, False))]
    assert (await import_consent(exact_clients, GRANTED, GRANTED)).protected_indexes == (0,)
    assert await get(exact_clients) == (DENIED, GRANTED)


async def test_a_confirmation_of_one_purpose_leaves_the_other_to_be_confirmed(
    exact_clients: Clients,
) -> None:
    """Consent that a file stated is proved only by the recipient's own confirmation of it."""
    await import_consent(exact_clients, GRANTED, DENIED)
    await decide(exact_clients, None, DENIED)
    await decide(exact_clients, GRANTED, DENIED)
    await decide(exact_clients, GRANTED, DENIED)
    unchanged = ((GRANTED, DENIED), (GRANTED, DENIED))
    assert (await log(exact_clients))[1:] == [
        (*unchanged, (False, True)),
        (*unchanged, (True, True)),
    ]


async def test_a_change_can_be_looser_and_stricter(exact_clients: Clients) -> None:
    """A batch counts a change as loosened and as tightened, if it is for one purpose each."""
    await set_consent(exact_clients, GRANTED, DENIED)
    outcome = await import_consent(exact_clients, DENIED, GRANTED)
    assert (outcome.changed_count, outcome.loosened_count, outcome.tightened_count) == (1, 1, 1)
    same = await import_consent(exact_clients, WITHDRAWN, None)
    assert (same.changed_count, same.loosened_count, same.tightened_count) == (1, 0, 0)


async def test_an_entry_without_consent_creates_a_contact(exact_clients: Clients) -> None:
    """Such an entry changes no preference and logs nothing."""
    await set_consent(exact_clients, DENIED, GRANTED)
    outcome = await exact_clients.sender.preferences.batch_set_preferences(
        [PreferenceEntry("ann"), PreferenceEntry("new")]
    )
    assert (outcome.created_count, outcome.changed_count) == (1, 0)
    assert await get(exact_clients) == (DENIED, GRANTED)
    assert len(await log(exact_clients)) == 1


async def test_a_repeated_call_sets_consent_once(exact_clients: Clients) -> None:
    """With the same request id, a later call does not undo what happened in between."""
    request_id = uuid.uuid4()
    await set_consent(exact_clients, DENIED, None, request_id=request_id)
    await set_consent(exact_clients, GRANTED, DENIED)
    repeated = await set_consent(exact_clients, DENIED, None, request_id=request_id)
    assert consents(repeated) == (GRANTED, DENIED)
    assert len(await log(exact_clients)) == 2


async def test_declining_one_purpose_anonymizes_its_events_only(exact_clients: Clients) -> None:
    """Once the call has returned, no row names a click, and the rows of opens remain."""
    mailing = await send(exact_clients, ["ann"])
    await mailing.open("ann")
    await mailing.click("ann")
    await set_consent(exact_clients, None, DENIED)
    stats = await mailing.stats()
    assert stats.opens.human.identified.total == 1
    assert stats.clicks.human.identified.total == 0
    (engaged,) = [c async for c in exact_clients.reporter.stats.list_engaged_contacts("spring")]
    assert engaged.contact_id == "ann"
    await set_consent(exact_clients, DENIED, None)
    assert await mailing.engaged() == set()


async def test_loosening_one_purpose_keeps_the_history_of_the_other(
    exact_clients: Clients, database: Connection
) -> None:
    """Events that were kept after an opt-out stay when the contact agrees to the other purpose."""
    mailing = await send(exact_clients, ["ann"])
    await mailing.open("ann")
    await exact_clients.sender.preferences.set_preference(
        "ann", DoNotTrack.TRUE, history=History.KEEP
    )
    tenant = await tenant_number(database, exact_clients.tenant_id)
    assert await events_of(database, tenant, "ann") == 1
    await set_consent(exact_clients, None, GRANTED)
    assert await events_of(database, tenant, "ann") == 1
    await set_consent(exact_clients, DENIED, None, history=History.ANONYMIZE)
    assert await events_of(database, tenant, "ann") == 0


async def test_a_token_of_an_erased_contact_says_so(exact_clients: Clients) -> None:
    """The token is genuine, so the caller can explain; a damaged token stays TOKEN_INVALID."""
    token = await preference_token(exact_clients)
    await exact_clients.sender.preferences.erase_contact("ann")
    by_token = exact_clients.edge.preferences
    for _ in range(2):
        for call in (
            by_token.get_preference_by_token(token),
            by_token.set_preference_by_token(token, DoNotTrack.TRUE),
        ):
            with pytest.raises(NotFoundError) as caught:
                await call
            assert caught.value.reason is ErrorReason.CONTACT_ERASED
        # A new contact with the same id is unrelated.
        await exact_clients.sender.preferences.set_preference("ann", DoNotTrack.FALSE)
    damaged = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    with pytest.raises(InvalidArgumentError) as invalid:
        await by_token.get_preference_by_token(damaged)
    assert invalid.value.reason is ErrorReason.TOKEN_INVALID
    assert await get(exact_clients) == (GRANTED, GRANTED)
