"""Stores choices that recipients made on a sign-up form: opens without clicks, or the reverse."""

from collections.abc import Sequence

from hushpost_client import Consent, DecisionDetails, Hushpost, Mode, PreferenceEntry
from hushpost_demo.contacts import Contact

__all__ = ["CHOICES", "store_choices"]

CHOICES = 24
"""Recipients who granted one purpose and refused the other."""

_FORM = DecisionDetails(source_id="signup-form", wording_version="2", wording_language="en")


async def store_choices(sender: Hushpost, contacts: Sequence[Contact]) -> None:
    """Store the choices of the last contacts that the file says may be tracked.

    Raises:
        HushpostError: The authority rejected the call.
    """
    consenting = [contact for contact in contacts if contact.expected_mode is Mode.IDENTIFIED]
    entries = [
        PreferenceEntry(
            contact.contact_id,
            None,
            opens_consent=Consent.DENIED if number % 2 else Consent.GRANTED,
            clicks_consent=Consent.GRANTED if number % 2 else Consent.DENIED,
            details=_FORM,
        )
        for number, contact in enumerate(consenting[-CHOICES:])
    ]
    await sender.preferences.batch_set_preferences(entries)
