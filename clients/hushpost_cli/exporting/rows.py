"""The rows of an exported file. `hushpost import` and Mapp Engage read its columns."""

from hushpost_cli.contacts_file.formulas import guard
from hushpost_cli.importing import columns
from hushpost_client import Consent, Preference

__all__ = ["COLUMNS", "row"]

COLUMNS = (
    "contact_id",
    columns.CONSENT,
    columns.OPENS_CONSENT,
    columns.CLICKS_CONSENT,
    columns.TIME,
)

# From the loosest to the strictest.
_STRICTNESS = (Consent.GRANTED, Consent.UNKNOWN, Consent.DENIED, Consent.WITHDRAWN)


def row(preference: Preference) -> tuple[str, ...]:
    """Return the cells of a contact.

    `tracking_consent` is the stricter of both, for systems that keep a single consent.
    """
    opens, clicks = preference.opens_consent, preference.clicks_consent
    both = [consent for consent in (opens, clicks) if consent is not None]
    strictest = max(both, key=_STRICTNESS.index, default=None)
    time = preference.update_time
    return (
        guard(preference.contact_id or ""),
        _word(strictest),
        _word(opens),
        _word(clicks),
        time.isoformat().replace("+00:00", "Z") if time else "",
    )


def _word(consent: Consent | None) -> str:
    return consent.lower() if consent else ""
