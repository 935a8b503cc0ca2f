"""The rules that map a preference to a mode."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.modes import (
    ContactPreference,
    DoNotTrack,
    Mode,
    ModeRule,
    Policy,
    PolicyPeriod,
)

START = datetime(2026, 1, 1, tzinfo=UTC)

policies = st.builds(
    Policy,
    anonymization_enabled=st.booleans(),
    mode_when_true=st.sampled_from([Mode.ANONYMOUS, Mode.AGGREGATE, Mode.OFF]),
    mode_when_unset=st.sampled_from(Mode),
)


def at(hour: float) -> datetime:
    """Return the time some hours after the start."""
    return START + timedelta(hours=hour)


@pytest.mark.parametrize(
    ("state", "mode"),
    [
        (DoNotTrack.FALSE, Mode.IDENTIFIED),
        (DoNotTrack.TRUE, Mode.ANONYMOUS),
        (DoNotTrack.UNSET, Mode.IDENTIFIED),
    ],
)
def test_the_default_policy_anonymizes_only_opt_outs(state: DoNotTrack, mode: Mode) -> None:
    """By default, only TRUE has a mode other than IDENTIFIED."""
    assert Policy().mode(state) is mode


@given(policies)
def test_consent_is_always_identified(policy: Policy) -> None:
    """FALSE is IDENTIFIED under every policy."""
    assert policy.mode(DoNotTrack.FALSE) is Mode.IDENTIFIED


@given(policies, st.sampled_from(DoNotTrack))
def test_everyone_is_identified_while_the_feature_is_off(policy: Policy, state: DoNotTrack) -> None:
    """While anonymization is disabled, preferences have no effect."""
    off = Policy(
        anonymization_enabled=False,
        mode_when_true=policy.mode_when_true,
        mode_when_unset=policy.mode_when_unset,
    )
    assert off.mode(state) is Mode.IDENTIFIED


# A history: in each hour, either the contact's preference or the policy changes.
changes = st.lists(st.one_of(policies, st.sampled_from(DoNotTrack)), max_size=8)


@given(policies, changes, st.floats(0, 9))
def test_a_message_has_the_strictest_mode_since_its_campaign(
    first: Policy, life: list[Policy | DoNotTrack], created: float
) -> None:
    """The mode is the strictest that the contact has had since the campaign was created."""
    rule, contact, lived = _lived(first, life)
    # The state when the campaign was created, and all later states.
    # A change at the time of the creation counts as before and after it.
    before = [mode for hour, mode in lived if hour < created or hour == 0]
    expected = max([before[-1], *(mode for hour, mode in lived if hour >= created)])

    assert rule.of_contact(contact, at(created)) is expected


def _lived(
    first: Policy, life: list[Policy | DoNotTrack]
) -> tuple[ModeRule, ContactPreference, list[tuple[float, Mode]]]:
    """Return the rule and the preference after a history, and the mode in each hour."""
    periods = [PolicyPeriod(START, first)]
    contact = ContactPreference(DoNotTrack.UNSET)
    lived = [(0.0, first.mode(DoNotTrack.UNSET))]
    for hour, change in enumerate(life, 1):
        if isinstance(change, Policy):
            periods.append(PolicyPeriod(at(hour), change))
        elif change is not contact.do_not_track:
            contact = ModeRule(periods).changed(contact, change, at(hour))
        lived.append((hour, periods[-1].policy.mode(contact.do_not_track)))
    return ModeRule(periods), contact, lived


@given(policies)
def test_an_erased_contact_is_at_least_anonymous(policy: Policy) -> None:
    """An erased contact has the strictest of ANONYMOUS and the modes of UNSET and TRUE."""
    mode = ModeRule([PolicyPeriod(START, policy)]).of_contact(None, at(1))
    assert mode is max(Mode.ANONYMOUS, *map(policy.mode, DoNotTrack))


@given(policies, changes, st.floats(0, 9))
def test_an_erasure_never_loosens(
    first: Policy, life: list[Policy | DoNotTrack], created: float
) -> None:
    """After any history, an erasure makes the mode of a message at most stricter."""
    rule, contact, _ = _lived(first, life)
    assert rule.of_contact(None, at(created)) >= rule.of_contact(contact, at(created))


@given(policies, policies, st.sampled_from([Mode.ANONYMOUS, Mode.AGGREGATE]))
def test_a_contactless_token_never_becomes_looser(
    first: Policy, second: Policy, sent: Mode
) -> None:
    """A token without a contact is at least as strict as at issue."""
    rule = ModeRule([PolicyPeriod(START, first), PolicyPeriod(at(2), second)])
    assert rule.of_contactless(sent, at(1)) >= sent


def test_a_stricter_policy_reaches_contactless_tokens() -> None:
    """An ANONYMOUS token becomes OFF when the policy maps opt-outs to OFF."""
    rule = ModeRule(
        [PolicyPeriod(START, Policy()), PolicyPeriod(at(2), Policy(mode_when_true=Mode.OFF))]
    )
    assert rule.of_contactless(Mode.ANONYMOUS, at(1)) is Mode.OFF


def test_a_policy_is_stricter_if_any_preference_is() -> None:
    """A policy is stricter than another if any preference has a stricter mode."""
    looser_and_stricter = Policy(mode_when_true=Mode.OFF, mode_when_unset=Mode.IDENTIFIED)
    assert looser_and_stricter.is_stricter_than(Policy(mode_when_unset=Mode.ANONYMOUS))
    assert not Policy().is_stricter_than(Policy())
    assert not Policy(anonymization_enabled=False).is_stricter_than(Policy())
