"""Mode decisions for batches, compared with the rule for single events."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.events import Event, distinct, joined, to_datetime, to_microseconds
from hushpost_service.domain.modes import (
    ContactPreference,
    DoNotTrack,
    Mode,
    ModeRule,
    Policy,
    PolicyPeriod,
    PreferenceGroup,
)
from hushpost_service.tokens.codec import NO_CONTACT, NO_SLOT
from hushpost_service.tracking.mode_decisions import mode_of, modes_of

START = datetime(2026, 1, 1, tzinfo=UTC)

moments = st.integers(0, 5).map(lambda day: START + timedelta(days=day))
policies = st.builds(
    Policy,
    anonymization_enabled=st.booleans(),
    mode_when_true=st.sampled_from([Mode.ANONYMOUS, Mode.AGGREGATE, Mode.OFF]),
    mode_when_unset=st.sampled_from(Mode),
)
rules = st.lists(policies, min_size=1, max_size=3).map(
    lambda given: ModeRule(
        [PolicyPeriod(START + timedelta(days=day), policy) for day, policy in enumerate(given)]
    )
)
preferences = st.builds(
    ContactPreference,
    st.sampled_from(DoNotTrack),
    st.none() | moments,
    st.tuples(st.none() | moments, st.none() | moments, st.none() | moments),
)
contacts = st.sampled_from([NO_CONTACT, 1, 2, 3, 7, 2**40, 2**63 - 1])
events = st.builds(
    Event,
    campaign=st.integers(1, 3),
    contact=contacts,
    group=st.just(1),
    slot=st.sampled_from([0, 1, NO_SLOT]),
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
