"""Converts the columns of `contacts` that hold a preference."""

from collections.abc import Sequence
from typing import Any

from hushpost_service.domain.consent import Consent
from hushpost_service.domain.modes import ContactPreference, PurposeConsent

__all__ = ["to_columns", "to_preference"]

# Faster than calling the enumeration.
_CONSENTS = {int(value): value for value in Consent}


def to_preference(columns: Sequence[Any]) -> ContactPreference:
    """Return the preference with the values of `storage.sql.preference_columns`."""
    opens, clicks, opens_time, clicks_time, *floors = columns
    return ContactPreference(
        PurposeConsent(_CONSENTS[opens], opens_time, (floors[0], floors[1], floors[2])),
        PurposeConsent(_CONSENTS[clicks], clicks_time, (floors[3], floors[4], floors[5])),
    )


def to_columns(preference: ContactPreference) -> tuple[Any, ...]:
    """Return the values of the columns for a preference."""
    opens, clicks = preference.opens, preference.clicks
    times = (opens.since, clicks.since, *opens.floors, *clicks.floors)
    return (opens.consent, clicks.consent, *times)
