"""Mode decisions for batches, compared with the rule for single events."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.consent import Consent
from hushpost_service.domain.events import Event, distinct, joined, to_datetime, to_microseconds
from hushpost_service.domain.mode_rule import ModeRule
from hushpost_service.domain.modes import (
    ConsentModes,
    ContactPreference,
    Mode,
    Policy,
    PolicyPeriod,
    PreferenceGroup,
    PurposeConsent,
)
from hushpost_service.tokens.codec import BOTH_PURPOSES, NO_CONTACT, NO_SLOT
from hushpost_service.tracking.mode_decisions import mode_of, modes_of

START = datetime(2026, 1, 1, tzinfo=UTC)
OPENS, CLICKS = 1, 2

moments = st.integers(0, 5).map(lambda day: START + timedelta(days=day))
strict_modes = st.sampled_from([Mode.ANONYMOUS, Mode.AGGREGATE, Mode.OFF])
consent_modes = st.builds(ConsentModes, st.sampled_from(Mode), strict_modes, strict_modes)
policies = st.builds(
    Policy,
    anonymization_enabled=st.booleans(),
    opens_modes=consent_modes,
    clicks_modes=consent_modes,
)
rules = st.lists(policies, min_size=1, max_size=3).map(
    lambda given: ModeRule(
        [PolicyPeriod(START + timedelta(days=day), policy) for day, policy in enumerate(given)]
    )
)
purpose_consents = st.builds(
    PurposeConsent,
    st.sampled_from(Consent),
    st.none() | moments,
    st.tuples(st.none() | moments, st.none() | moments, st.none() | moments),
)
preferences = st.builds(ContactPreference, purpose_consents, purpose_consents)
contacts = st.sampled_from([NO_CONTACT, 1, 2, 3, 7, 2**40, 2**63 - 1])
events = st.builds(
    Event,
    campaign=st.integers(1, 3),
    contact=contacts,
    group=st.just(1),
    slot=st.sampled_from([0, 1, NO_SLOT]),
    purpose=st.sampled_from([BOTH_PURPOSES, OPENS, CLICKS]),
    signal=st.integers(0, 2),
    verdict=st.just(1),
    time=st.just(0),
    privacy_signal=st.booleans(),
    repeated=st.booleans(),
    created=moments.map(to_microseconds),
)


@given(rules, st.lists(events, min_size=1, max_size=20), st.data())
def test_a_batch_is_decided_like_each_event(
    rule: ModeRule, batch: list[Event], data: st.DataObject
) -> None:
    """Each event of a batch has the mode that the rule decides for it alone."""
    known = data.draw(st.sets(contacts.filter(bool)))
    found = {contact: data.draw(preferences) for contact in sorted(known)}
    preference_groups = [
        PreferenceGroup([contact for contact in found if found[contact] == preference], preference)
        for preference in set(found.values())
    ]
    expected = [mode_of(rule, event, found.get(event.contact)) for event in batch]
    assert modes_of(rule, joined([batch]), preference_groups).tolist() == expected


@pytest.mark.parametrize("contact", [NO_CONTACT, 7], ids=["anonymous", "identified"])
def test_a_token_counts_only_events_of_its_purpose(contact: int) -> None:
    """Opens on the token of a link and clicks on the token of a pixel are OFF."""
    counted = Mode.IDENTIFIED if contact else Mode.ANONYMOUS
    assert decided(contact=contact, purpose=OPENS, signal=0) is counted
    assert decided(contact=contact, purpose=OPENS, signal=1) is Mode.OFF
    assert decided(contact=contact, purpose=CLICKS, signal=0) is Mode.OFF
    assert decided(contact=contact, purpose=CLICKS, signal=1) is counted
    assert decided(contact=contact, purpose=BOTH_PURPOSES, signal=0) is counted
    assert decided(contact=contact, purpose=BOTH_PURPOSES, signal=1) is counted


def test_a_token_with_a_contact_and_no_slot_counts_nothing() -> None:
    """It serves to record the last open only."""
    assert decided(contact=7, slot=NO_SLOT, purpose=OPENS, signal=0) is Mode.OFF
    assert decided(contact=NO_CONTACT, slot=NO_SLOT, purpose=OPENS, signal=0) is Mode.AGGREGATE


def test_events_get_the_mode_of_their_purpose() -> None:
    """A contact that withdrew consent to clicks still has identified opens."""
    withdrawn = PurposeConsent(Consent.WITHDRAWN, START)
    preference = ContactPreference(PurposeConsent(Consent.GRANTED, START), withdrawn)
    assert decided(preference, contact=7, signal=0) is Mode.IDENTIFIED
    # Not ANONYMOUS: the row of an open names the slot.
    assert decided(preference, contact=7, signal=1) is Mode.AGGREGATE
    neither = ContactPreference(withdrawn, withdrawn)
    assert decided(neither, contact=7, signal=0) is Mode.ANONYMOUS
    assert decided(neither, contact=7, signal=1) is Mode.ANONYMOUS


def decided(
    preference: ContactPreference | None = None,
    *,
    contact: int,
    signal: int,
    slot: int = 1,
    purpose: int = BOTH_PURPOSES,
) -> Mode:
    """Return the mode of an event under the default policy, after checking the batch's mode."""
    rule = ModeRule([PolicyPeriod(START, Policy())])
    created = to_microseconds(START + timedelta(days=1))
    event = Event(
        campaign=1,
        contact=contact,
        group=1,
        slot=slot,
        purpose=purpose,
        signal=signal,
        verdict=1,
        time=0,
        privacy_signal=False,
        repeated=False,
        created=created,
    )
    preference = preference or ContactPreference()
    mode = mode_of(rule, event, preference)
    groups = [PreferenceGroup([contact], preference)]
    assert modes_of(rule, joined([[event]]), groups).tolist() == [mode]
    return mode


@given(rules, events, st.none() | preferences)
def test_a_repeated_event_is_dropped_if_it_is_aggregate(
    rule: ModeRule, event: Event, preference: ContactPreference | None
) -> None:
    """A repeated AGGREGATE event leaves nothing; all other modes ignore the flag."""
    mode = mode_of(rule, event._replace(repeated=False), preference)
    repeated = mode_of(rule, event._replace(repeated=True), preference)
    assert repeated is (Mode.OFF if mode is Mode.AGGREGATE else mode)


@given(
    st.lists(
        st.tuples(
            st.integers(-3, 3),
            st.sampled_from([-(2**63), -1, 0, 5, 2**63 - 1]),
            st.booleans(),
        ),
        min_size=1,
    )
)
def test_distinct_rows_are_found_in_order(rows: list[tuple[int, int, bool]]) -> None:
    """Combinations are distinct and sorted, and each row has the position of its own."""
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    first, which = distinct(*columns)
    assert [rows[place] for place in first.tolist()] == sorted(set(rows))
    assert [rows[first[place]] for place in which.tolist()] == rows


@given(st.datetimes(min_value=datetime(1950, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - naive, as hypothesis wants it
def test_time_conversion_is_exact(time: datetime) -> None:
    """Converting to microseconds and back is exact, also where a float would round."""
    assert to_datetime(to_microseconds(time)) == time
