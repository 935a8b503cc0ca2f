"""Which events update the date of a contact's last open."""

from datetime import UTC, date, datetime

import pytest

from hushpost_service.domain.consent import Consent
from hushpost_service.domain.events import Event, joined, to_microseconds
from hushpost_service.domain.modes import (
    ConsentModes,
    ContactPreference,
    Mode,
    Policy,
    PreferenceGroup,
    PurposeConsent,
)
from hushpost_service.tokens.codec import NO_CONTACT, NO_SLOT
from hushpost_service.tracking.last_opens import last_opens

POLICY = Policy(record_last_opens=True, opens_modes=ConsentModes(when_unknown=Mode.AGGREGATE))
OPENED = datetime(2026, 5, 4, 23, 59, tzinfo=UTC)
OPEN = Event(
    campaign=1,
    contact=7,
    group=1,
    slot=NO_SLOT,
    purpose=1,
    signal=0,
    verdict=1,
    time=to_microseconds(OPENED),
    privacy_signal=False,
    repeated=False,
    created=0,
)
HUMAN, PROXY, PREFETCH, SCANNER, UNCLEAR = range(1, 6)


def preference(opens: Consent, clicks: Consent = Consent.UNKNOWN) -> ContactPreference:
    """Return a preference."""
    return ContactPreference(PurposeConsent(opens), PurposeConsent(clicks))


def dates(
    *events: Event, policy: Policy = POLICY, of: ContactPreference | None = None
) -> dict[int, date]:
    """Return the dates by contact; contacts 7 and 8 have the given preference, or none."""
    groups = [PreferenceGroup([7, 8], of or ContactPreference())]
    return last_opens(policy, joined([list(events)]), groups)


def test_the_latest_open_counts() -> None:
    """The date of each contact is that of its latest open, in UTC."""
    earlier = OPEN._replace(time=to_microseconds(datetime(2026, 5, 2, tzinfo=UTC)))
    other = earlier._replace(contact=8)
    assert dates(earlier, OPEN, earlier, other) == {7: date(2026, 5, 4), 8: date(2026, 5, 2)}


@pytest.mark.parametrize("clicks", Consent)
def test_consent_to_clicks_does_not_matter(clicks: Consent) -> None:
    """The date is about opens only."""
    assert dates(OPEN, of=preference(Consent.UNKNOWN, clicks)) == {7: date(2026, 5, 4)}


@pytest.mark.parametrize("verdict", [HUMAN, PROXY, UNCLEAR])
def test_people_and_proxies_count(verdict: int) -> None:
    """An open that a person may have caused counts."""
    assert dates(OPEN._replace(verdict=verdict)) == {7: date(2026, 5, 4)}


@pytest.mark.parametrize(
    "event",
    [
        OPEN._replace(verdict=PREFETCH),
        OPEN._replace(verdict=SCANNER),
        OPEN._replace(privacy_signal=True),
        OPEN._replace(signal=1),
        OPEN._replace(slot=3),
        OPEN._replace(contact=NO_CONTACT),
        OPEN._replace(contact=9),
    ],
    ids=["prefetch", "scanner", "signal", "click", "slot", "aggregate", "erased"],
)
def test_other_events_leave_nothing(event: Event) -> None:
    """Automated opens, privacy signals, other tokens and erased contacts set no date."""
    assert dates(event) == {}


@pytest.mark.parametrize("consent", [Consent.GRANTED, Consent.DENIED, Consent.WITHDRAWN])
def test_a_decision_about_opens_ends_it(consent: Consent) -> None:
    """Once a contact has decided about opens, its old mail sets no date."""
    assert dates(OPEN, of=preference(consent)) == {}


def test_a_policy_that_turns_opens_off_ends_it() -> None:
    """A tenant that maps UNKNOWN to OFF wants nothing to be recorded."""
    off = Policy(record_last_opens=True, opens_modes=ConsentModes(when_unknown=Mode.OFF))
    assert dates(OPEN, policy=off) == {}
