"""The rules that map consent to modes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.consent import UNKNOWN, ByPurpose, Consent, DoNotTrack, Purpose
from hushpost_service.domain.mode_rule import ModeRule
from hushpost_service.domain.modes import (
    ConsentModes,
    ContactPreference,
    Mode,
    Modes,
    Policy,
    PolicyPeriod,
)

START = datetime(2026, 1, 1, tzinfo=UTC)

strict_modes = st.sampled_from([Mode.ANONYMOUS, Mode.AGGREGATE, Mode.OFF])
consent_modes = st.builds(ConsentModes, st.sampled_from(Mode), strict_modes, strict_modes)
policies = st.builds(
    Policy,
    anonymization_enabled=st.booleans(),
    opens_modes=consent_modes,
    clicks_modes=consent_modes,
)
consents = st.builds(ByPurpose, st.sampled_from(Consent), st.sampled_from(Consent))


def at(hour: float) -> datetime:
    """Return the time some hours after the start."""
    return START + timedelta(hours=hour)


def both(consent: Consent) -> ByPurpose[Consent]:
    """Return the same consent for both purposes."""
    return ByPurpose(consent, consent)


@pytest.mark.parametrize(
    ("consent", "mode"),
    [
        (Consent.GRANTED, Mode.IDENTIFIED),
        (Consent.DENIED, Mode.ANONYMOUS),
        (Consent.WITHDRAWN, Mode.ANONYMOUS),
        (Consent.UNKNOWN, Mode.IDENTIFIED),
    ],
)
def test_the_default_policy_anonymizes_only_refusals(consent: Consent, mode: Mode) -> None:
    """By default, only DENIED and WITHDRAWN have a mode other than IDENTIFIED."""
    assert Policy().modes(both(consent)) == (mode, mode)


@given(policies)
def test_granted_consent_is_always_identified(policy: Policy) -> None:
    """GRANTED is IDENTIFIED under every policy."""
    assert policy.modes(both(Consent.GRANTED)) == (Mode.IDENTIFIED, Mode.IDENTIFIED)


@given(policies, consents)
def test_everyone_is_identified_while_the_feature_is_off(
    policy: Policy, given_consents: ByPurpose[Consent]
) -> None:
    """While anonymization is disabled, consent has no effect."""
    off = Policy(
        anonymization_enabled=False,
        opens_modes=policy.opens_modes,
        clicks_modes=policy.clicks_modes,
    )
    assert off.modes(given_consents) == (Mode.IDENTIFIED, Mode.IDENTIFIED)


@given(policies, consents)
def test_purposes_are_independent(policy: Policy, given_consents: ByPurpose[Consent]) -> None:
    """The mode of a purpose depends on the consent to it alone."""
    modes = policy.modes(given_consents)
    assert modes.opens is policy.modes(both(given_consents.opens)).opens
    assert modes.clicks is policy.modes(both(given_consents.clicks)).clicks


@pytest.mark.parametrize(
    ("before", "view", "after"),
    [
        (Consent.GRANTED, DoNotTrack.TRUE, Consent.WITHDRAWN),
        (Consent.UNKNOWN, DoNotTrack.TRUE, Consent.DENIED),
        (Consent.DENIED, DoNotTrack.TRUE, Consent.DENIED),
        (Consent.WITHDRAWN, DoNotTrack.TRUE, Consent.WITHDRAWN),
        (Consent.WITHDRAWN, DoNotTrack.FALSE, Consent.GRANTED),
        (Consent.DENIED, DoNotTrack.UNSET, Consent.UNKNOWN),
    ],
)
def test_do_not_track_sets_consent(before: Consent, view: DoNotTrack, after: Consent) -> None:
    """The simple view sets both purposes, each by what it was before."""
    assert view.applied_to(ByPurpose(before, Consent.UNKNOWN)).opens is after
    assert view.applied_to(ByPurpose(Consent.UNKNOWN, before)).clicks is after


@given(consents, st.sampled_from(DoNotTrack))
def test_do_not_track_reads_what_was_set(before: ByPurpose[Consent], view: DoNotTrack) -> None:
    """Reading the simple view returns what was set, and setting it again changes nothing."""
    after = view.applied_to(before)
    assert DoNotTrack.of(after) is view
    assert view.applied_to(after) == after


@given(consents)
def test_do_not_track_is_the_stricter_purpose(given_consents: ByPurpose[Consent]) -> None:
    """The simple view is that of the purpose whose consent permits less."""
    looser = {DoNotTrack.FALSE: 0, DoNotTrack.UNSET: 1, DoNotTrack.TRUE: 2}
    views = [DoNotTrack.of(both(consent)) for consent in given_consents]
    assert DoNotTrack.of(given_consents) is max(views, key=looser.__getitem__)


# A history: in each hour, either the contact's consent or the policy changes.
changes = st.lists(st.one_of(policies, consents), max_size=8)


def on_one_slot(modes: Modes) -> Modes:
    """Return the modes if rows of an IDENTIFIED purpose name the contact of the slot."""
    opens, clicks = modes
    if opens is Mode.IDENTIFIED and clicks is Mode.ANONYMOUS:
        return ByPurpose(opens, Mode.AGGREGATE)
    if opens is Mode.ANONYMOUS and clicks is Mode.IDENTIFIED:
        return ByPurpose(Mode.AGGREGATE, clicks)
    return modes


@given(policies, changes, st.floats(0, 9))
def test_events_have_the_strictest_modes_since_their_campaign(
    first: Policy, life: list[Policy | ByPurpose[Consent]], created: float
) -> None:
    """Each mode is the strictest that the contact has had since the campaign was created."""
    rule, contact, lived = _lived(first, life)
    since = [on_one_slot(modes) for modes in _modes_since(lived, created)]

    modes = rule.at_event(contact, at(created))

    assert modes == (max(mode.opens for mode in since), max(mode.clicks for mode in since))


@given(policies, changes, st.floats(0, 9))
def test_messages_are_issued_in_the_strictest_modes_since_their_campaign(
    first: Policy, life: list[Policy | ByPurpose[Consent]], created: float
) -> None:
    """Each mode at issue is the strictest so far, and never stricter than that of events."""
    rule, contact, lived = _lived(first, life)
    since = _modes_since(lived, created)

    modes = rule.at_issue(contact, at(created))

    at_event = rule.at_event(contact, at(created))
    assert max(mode.opens for mode in since) <= modes.opens <= at_event.opens
    assert max(mode.clicks for mode in since) <= modes.clicks <= at_event.clicks
    if all(on_one_slot(mode) == mode for mode in since):
        assert modes == at_event


def test_an_anonymous_purpose_gets_a_token_of_its_own() -> None:
    """Who refused one purpose before the issue is ANONYMOUS for it, not AGGREGATE."""
    rule = ModeRule([PolicyPeriod(START, Policy())])
    refused = ByPurpose(Consent.GRANTED, Consent.DENIED)
    contact = rule.changed(ContactPreference(), refused, at(1))
    assert rule.at_issue(contact, at(2)) == (Mode.IDENTIFIED, Mode.ANONYMOUS)


def test_refusing_one_purpose_later_makes_its_events_aggregate() -> None:
    """Events of a message with one slot must not mark a slot that identified rows name."""
    rule = ModeRule([PolicyPeriod(START, Policy())])
    refused = ByPurpose(Consent.UNKNOWN, Consent.DENIED)
    contact = rule.changed(ContactPreference(), refused, at(2))
    assert rule.at_event(contact, at(1)) == (Mode.IDENTIFIED, Mode.AGGREGATE)


def _modes_since(lived: list[tuple[float, Modes]], created: float) -> list[Modes]:
    """Return the modes when the campaign was created, and all later ones.

    A change at the time of the creation counts as before and after it.
    """
    before = [modes for hour, modes in lived if hour < created or hour == 0]
    return [before[-1], *(modes for hour, modes in lived if hour >= created)]


def _lived(
    first: Policy, life: list[Policy | ByPurpose[Consent]]
) -> tuple[ModeRule, ContactPreference, list[tuple[float, Modes]]]:
    """Return the rule and the preference after a history, and the modes in each hour."""
    periods = [PolicyPeriod(START, first)]
    contact = ContactPreference()
    lived = [(0.0, first.modes(UNKNOWN))]
    for hour, change in enumerate(life, 1):
        if isinstance(change, Policy):
            periods.append(PolicyPeriod(at(hour), change))
        elif change != contact.consents:
            contact = ModeRule(periods).changed(contact, change, at(hour))
        lived.append((hour, periods[-1].policy.modes(contact.consents)))
    return ModeRule(periods), contact, lived


@given(policies)
def test_an_erased_contact_is_at_least_anonymous(policy: Policy) -> None:
    """An erased contact has the strictest of ANONYMOUS and the modes of all consents."""
    modes = ModeRule([PolicyPeriod(START, policy)]).at_event(None, at(1))
    of_consents = [policy.modes(both(consent)) for consent in Consent]
    assert modes.opens is max(Mode.ANONYMOUS, *(each.opens for each in of_consents))
    assert modes.clicks is max(Mode.ANONYMOUS, *(each.clicks for each in of_consents))


@given(policies, changes, st.floats(0, 9))
def test_an_erasure_never_loosens_what_was_issued(
    first: Policy, life: list[Policy | ByPurpose[Consent]], created: float
) -> None:
    """After any history, an erasure leaves modes that are at least those at issue."""
    rule, _, lived = _lived(first, life)
    erased = rule.at_event(None, at(created))
    since = _modes_since(lived, created)
    assert erased.opens >= max(mode.opens for mode in since)
    assert erased.clicks >= max(mode.clicks for mode in since)


@given(policies, policies, st.sampled_from(Purpose), strict_modes)
def test_a_contactless_token_never_becomes_looser(
    first: Policy, second: Policy, purpose: Purpose, sent: Mode
) -> None:
    """A token without a contact is at least as strict as at issue."""
    rule = ModeRule([PolicyPeriod(START, first), PolicyPeriod(at(2), second)])
    assert rule.of_contactless(sent, purpose, at(1)) >= sent


def test_a_stricter_policy_reaches_contactless_tokens() -> None:
    """An ANONYMOUS token becomes OFF for a purpose when the policy maps refusals to OFF."""
    off = ConsentModes(when_denied=Mode.OFF)
    rule = ModeRule([PolicyPeriod(START, Policy()), PolicyPeriod(at(2), Policy(clicks_modes=off))])
    assert rule.of_contactless(Mode.ANONYMOUS, Purpose.CLICKS, at(1)) is Mode.OFF
    assert rule.of_contactless(Mode.ANONYMOUS, Purpose.OPENS, at(1)) is Mode.ANONYMOUS


def test_a_policy_is_stricter_if_any_consent_is() -> None:
    """A policy is stricter than another if any consent to any purpose has a stricter mode."""
    looser_and_stricter = Policy(clicks_modes=ConsentModes(when_withdrawn=Mode.OFF))
    unset_anonymous = Policy(opens_modes=ConsentModes(when_unknown=Mode.ANONYMOUS))
    assert looser_and_stricter.is_stricter_than(unset_anonymous)
    assert unset_anonymous.is_stricter_than(looser_and_stricter)
    assert not Policy().is_stricter_than(Policy())
    assert not Policy(anonymization_enabled=False).is_stricter_than(Policy())
