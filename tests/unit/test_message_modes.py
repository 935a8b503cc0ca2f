"""The modes of first messages: limits make them stricter, and nothing makes them looser."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.campaigns.message_modes import (
    LAST_OPEN,
    MODE_OF,
    first_modes,
    of_other_contacts,
)
from hushpost_service.domain.consent import ByPurpose, Consent
from hushpost_service.domain.mode_rule import ModeRule
from hushpost_service.domain.modes import (
    ConsentModes,
    ContactPreference,
    Mode,
    Policy,
    PolicyPeriod,
    PurposeConsent,
)

START = datetime(2026, 1, 1, tzinfo=UTC)

strict_modes = st.sampled_from([Mode.ANONYMOUS, Mode.AGGREGATE, Mode.OFF])
consent_modes = st.builds(ConsentModes, st.sampled_from(Mode), strict_modes, strict_modes)
policies = st.builds(
    Policy,
    anonymization_enabled=st.booleans(),
    opens_modes=consent_modes,
    clicks_modes=consent_modes,
    record_last_opens=st.booleans(),
)
purposes = st.builds(PurposeConsent, st.sampled_from(Consent))
contacts = st.builds(ContactPreference, purposes, purposes)
max_modes = st.sampled_from(Mode)


def _modes(policy: Policy, contact: ContactPreference, max_mode: Mode) -> ByPurpose[int]:
    return first_modes(ModeRule([PolicyPeriod(START, policy)]), contact, START, max_mode)


@given(policies, contacts, max_modes)
def test_a_limit_only_makes_modes_stricter(
    policy: Policy, contact: ContactPreference, max_mode: Mode
) -> None:
    """The mode is the stricter of the limit and of what consent and policy say."""
    limited = _modes(policy, contact, max_mode)
    for mode, allowed in zip(limited, policy.modes(contact.consents), strict=True):
        assert MODE_OF[mode] >= max_mode
        assert MODE_OF[mode] >= allowed
        assert MODE_OF[mode] in (max(max_mode, allowed), Mode.OFF)


@given(contacts)
def test_no_limit_identifies_a_contact_that_declined(contact: ContactPreference) -> None:
    """Not even the loosest limit."""
    for mode, consent in zip(
        _modes(Policy(), contact, Mode.IDENTIFIED), contact.consents, strict=True
    ):
        if consent in (Consent.DENIED, Consent.WITHDRAWN):
            assert mode > Mode.IDENTIFIED


@pytest.mark.parametrize("consent", Consent)
@pytest.mark.parametrize("when_unknown", Mode)
@pytest.mark.parametrize("max_mode", Mode)
@pytest.mark.parametrize("records", [False, True])
def test_whose_last_opens_are_dated(
    consent: Consent, when_unknown: Mode, max_mode: Mode, *, records: bool
) -> None:
    """Those of contacts with UNKNOWN consent whose opens would be counted without their names."""
    policy = Policy(opens_modes=ConsentModes(when_unknown), record_last_opens=records)
    contact = ContactPreference(opens=PurposeConsent(consent))
    is_dated = _modes(policy, contact, max_mode).opens == LAST_OPEN
    assert is_dated == (
        records
        and consent is Consent.UNKNOWN
        and when_unknown in (Mode.ANONYMOUS, Mode.AGGREGATE)
        and max_mode is Mode.IDENTIFIED
    )


def test_other_contacts_get_tokens_that_do_not_tell_them_apart() -> None:
    """In place of tokens with a slot or a contact."""
    opens = np.array([*Mode, LAST_OPEN, LAST_OPEN], np.uint8)
    clicks = np.array([*Mode, Mode.ANONYMOUS, Mode.IDENTIFIED], np.uint8)
    modes = of_other_contacts(
        ByPurpose(opens, clicks), np.array([True, True, True, True, True, False])
    )
    strict = [Mode.AGGREGATE, Mode.AGGREGATE, Mode.AGGREGATE, Mode.OFF]
    assert modes.opens.tolist() == [*strict, Mode.OFF, LAST_OPEN]
    assert modes.clicks.tolist() == [*strict, Mode.AGGREGATE, Mode.IDENTIFIED]
