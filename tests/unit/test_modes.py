"""The rules that turn a preference into a mode."""

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
    """Return a moment, in hours from the start."""
    return START + timedelta(hours=hour)


@pytest.mark.parametrize(
    ("state", "mode"),
    [
        (DoNotTrack.FALSE, Mode.IDENTIFIED),
        (DoNotTrack.TRUE, Mode.ANONYMOUS),
        (DoNotTrack.UNSET, Mode.IDENTIFIED),
    ],
)
def test_default_policy_anonymises_only_those_who_opted_out(state: DoNotTrack, mode: Mode) -> None:
    """By default only TRUE is not IDENTIFIED."""
    assert Policy().mode(state) is mode


@given(policies)
def test_consent_is_always_identified(policy: Policy) -> None:
    """FALSE is IDENTIFIED under every policy."""
    assert policy.mode(DoNotTrack.FALSE) is Mode.IDENTIFIED


@given(policies, st.sampled_from(DoNotTrack))
def test_switched_off_everybody_is_identified(policy: Policy, state: DoNotTrack) -> None:
    """With the feature off no preference has effect."""
    off = Policy(
        anonymization_enabled=False,
        mode_when_true=policy.mode_when_true,
        mode_when_unset=policy.mode_when_unset,
    )
    assert off.mode(state) is Mode.IDENTIFIED


# A life: at each hour either the contact's preference or the policy changes.
changes = st.lists(st.one_of(policies, st.sampled_from(DoNotTrack)), max_size=8)


@given(policies, changes, st.floats(0, 9))
def test_a_message_has_the_strictest_mode_since_its_campaign(
    first: Policy, life: list[Policy | DoNotTrack], created: float
) -> None:
    """The mode is the strictest that the contact has had since the campaign was created."""
    rule, contact, lived = _lived(first, life)
    # What was in force when the campaign was created, and all that came later.
    # A change in the very moment of the creation counts for both sides of it.
    before = [mode for hour, mode in lived if hour < created or hour == 0]
    expected = max([before[-1], *(mode for hour, mode in lived if hour >= created)])

    assert rule.of_contact(contact, at(created)) is expected


def _lived(
    first: Policy, life: list[Policy | DoNotTrack]
) -> tuple[ModeRule, ContactPreference, list[tuple[float, Mode]]]:
    """Return the rule and the preference after a life, and the mode at each hour of it."""
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
    """A contact that is gone counts as ANONYMOUS, or as UNSET or TRUE if that is stricter."""
    mode = ModeRule([PolicyPeriod(START, policy)]).of_contact(None, at(1))
    assert mode is max(Mode.ANONYMOUS, *map(policy.mode, DoNotTrack))


@given(policies, changes, st.floats(0, 9))
def test_an_erasure_never_loosens(
    first: Policy, life: list[Policy | DoNotTrack], created: float
) -> None:
    """Whatever a contact has lived through, its mail is as strict after its erasure, or stricter."""
    rule, contact, _ = _lived(first, life)
    assert rule.of_contact(None, at(created)) >= rule.of_contact(contact, at(created))


@given(policies, policies, st.sampled_from([Mode.ANONYMOUS, Mode.AGGREGATE]))
def test_a_nameless_token_never_becomes_looser(first: Policy, second: Policy, sent: Mode) -> None:
    """A token without a contact keeps at least the mode that it was issued in."""
    rule = ModeRule([PolicyPeriod(START, first), PolicyPeriod(at(2), second)])
    assert rule.of_contactless(sent, at(1)) >= sent


def test_a_stricter_policy_reaches_nameless_tokens() -> None:
    """What opted-out contacts were issued as ANONYMOUS is OFF once the policy says so."""
    rule = ModeRule(
        [PolicyPeriod(START, Policy()), PolicyPeriod(at(2), Policy(mode_when_true=Mode.OFF))]
    )
    assert rule.of_contactless(Mode.ANONYMOUS, at(1)) is Mode.OFF


def test_stricter_is_what_tightens_any_preference() -> None:
    """A policy is stricter than another when one preference has a stricter mode."""
    looser_and_stricter = Policy(mode_when_true=Mode.OFF, mode_when_unset=Mode.IDENTIFIED)
    assert looser_and_stricter.is_stricter_than(Policy(mode_when_unset=Mode.ANONYMOUS))
    assert not Policy().is_stricter_than(Policy())
    assert not Policy(anonymization_enabled=False).is_stricter_than(Policy())


@pytest.mark.parametrize(
    ("created", "quorum"), [(0, 20), (1, 20), (3, 20), (4, 20), (5, 5), (6, 5), (9, 1)]
)
def test_a_campaign_keeps_the_greatest_quorum_that_it_has_had(created: float, quorum: int) -> None:
    """A raised quorum holds for every campaign, a lowered one for those created afterwards."""
    quorums = [(1, 10), (2, 20), (4, 5), (6, 1)]
    rule = ModeRule([PolicyPeriod(at(hour), Policy(quorum=k)) for hour, k in quorums])
    assert rule.quorum(at(created)) == quorum
