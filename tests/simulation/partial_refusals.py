"""Contacts that refuse one purpose before the campaign: opens, or clicks."""

from collections.abc import Sequence

from hushpost_client import Consent, DecisionDetails, Hushpost, Mode, PreferenceEntry
from hushpost_demo.contacts import Contact
from tests.simulation.plan import Modes

__all__ = ["refuse_one_purpose"]

_REFUSALS = 40
_DETAILS = DecisionDetails(source_id="form-7", wording_version="3", wording_language="en")


async def refuse_one_purpose(sender: Hushpost, contacts: Sequence[Contact]) -> dict[str, Modes]:
    """Let every other of some contacts refuse opens, and the others clicks.

    Returns:
        The expected modes of their messages, by contact id.
    """
    consenting = [
        contact.contact_id for contact in contacts if contact.expected_mode is Mode.IDENTIFIED
    ]
    no_opens, no_clicks = consenting[:_REFUSALS:2], consenting[1:_REFUSALS:2]
    entries = [
        PreferenceEntry(name, None, opens_consent=Consent.DENIED, details=_DETAILS)
        for name in no_opens
    ]
    entries += [
        PreferenceEntry(name, None, clicks_consent=Consent.WITHDRAWN, details=_DETAILS)
        for name in no_clicks
    ]
    outcome = await sender.preferences.batch_set_preferences(entries)
    assert outcome.tightened_count == len(entries)
    modes: dict[str, Modes] = dict.fromkeys(no_opens, (Mode.ANONYMOUS, Mode.IDENTIFIED))
    return modes | dict.fromkeys(no_clicks, (Mode.IDENTIFIED, Mode.ANONYMOUS))
