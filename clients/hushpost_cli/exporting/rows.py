"""The rows of an exported file. `hushpost import` and Mapp Engage read its columns."""

from hushpost_cli.exporting.statements import Statement
from hushpost_cli.importing import columns
from hushpost_client import Consent, Preference
from hushpost_documents.formulas import guard

__all__ = ["COLUMNS", "row"]

COLUMNS = (
    "contact_id",
    columns.CONSENT,
    columns.OPENS_CONSENT,
    columns.CLICKS_CONSENT,
    columns.SOURCE,
    columns.SOURCE_ID,
    columns.TIME,
)

# From the loosest to the strictest.
_STRICTNESS = (Consent.GRANTED, Consent.UNKNOWN, Consent.DENIED, Consent.WITHDRAWN)


def row(preference: Preference, statement: Statement) -> tuple[str, ...]:
    """Return the cells of a contact.

    `tracking_consent` is the stricter of both, for systems that keep a single consent. There is
    no `doNotTrack`: an import would set the stricter one for both purposes.
    """
    opens, clicks = preference.opens_consent, preference.clicks_consent
    both = [consent for consent in (opens, clicks) if consent is not None]
    recorded = preference.update_time
    time = statement.decision_time or (recorded.isoformat() if recorded else "")
    return (
        guard(preference.contact_id or ""),
        _word(max(both, key=_STRICTNESS.index, default=None)),
        _word(opens),
        _word(clicks),
        guard(statement.source),
        guard(statement.source_id),
        time.replace("+00:00", "Z"),
    )


def _word(consent: Consent | None) -> str:
    return consent.lower() if consent else ""
