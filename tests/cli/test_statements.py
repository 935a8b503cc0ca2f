"""The latest statement of each contact, which an export adds to its consent."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from hushpost_cli.exporting.statements import NO_STATEMENT, LatestStatements, Statement
from hushpost_client import Consent, DecisionDetails, DoNotTrack, PreferenceChange, PreferenceSource

NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture
def statements() -> Iterator[LatestStatements]:
    """No statements yet."""
    with LatestStatements() as statements:
        yield statements


def change(source: PreferenceSource, time: datetime, **details: str) -> PreferenceChange:
    """Return an entry of the log."""
    return PreferenceChange(
        contact_id="ann",
        old_do_not_track=DoNotTrack.UNSET,
        new_do_not_track=DoNotTrack.TRUE,
        source=source,
        evidence=None,
        actor="1",
        change_time=time,
        old_opens_consent=Consent.UNKNOWN,
        new_opens_consent=Consent.DENIED,
        old_clicks_consent=Consent.UNKNOWN,
        new_clicks_consent=Consent.DENIED,
        opens_decided=True,
        clicks_decided=True,
        details=DecisionDetails(**details),  # type: ignore[arg-type]
        change_number=1,
    )


def test_the_latest_entry_counts(statements: LatestStatements) -> None:
    """A later entry replaces an earlier one, with all that it says."""
    statements.add(change(PreferenceSource.SENDER, NOW, source_id="7"))
    assert statements.of("ann", NOW) == Statement("sender", "7", "")
    statements.add(change(PreferenceSource.RECIPIENT, NOW + timedelta(days=1)))
    assert statements.of("ann", NOW + timedelta(days=1)) == Statement("recipient", "", "")


def test_a_newer_decision_has_no_statement(statements: LatestStatements) -> None:
    """A decision made after the log was read is not given the evidence of another one."""
    statements.add(change(PreferenceSource.SENDER, NOW))
    assert statements.of("ann", NOW + timedelta(microseconds=1)) == NO_STATEMENT


def test_contacts_without_entries_have_no_statement(statements: LatestStatements) -> None:
    """Contacts that never decided have no statement."""
    statements.add(change(PreferenceSource.SENDER, NOW))
    assert statements.of("bob", NOW) == NO_STATEMENT
    assert statements.of("ann", None) == NO_STATEMENT
