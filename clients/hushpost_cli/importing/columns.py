"""The columns that an import reads, with the names that other systems give them.

Mapp Engage names an attribute `user.CustomAttribute.tracking_consent` in files
(docs.mapp.com, "CSV Format for Contact Imports"), and keeps a tracking consent in the
attributes `tracking_consent`, `tracking_consent_source` and `tracking_consent_source_id`
(docs.mapp.com, "Setting a Contact's Tracking Consent"). Brevo keeps consent to its tracking
pixel in `_PIXEL_TRACKING_CONSENT`, `_PIXEL_TRACKING_CONSENT_DATE` and
`_PIXEL_TRACKING_CONSENT_SOURCE`. Both identify contacts by their email address.
"""

import re
from collections.abc import Sequence

from hushpost_cli.contacts_file.header import Layout, contact_id_column, normalized

__all__ = [
    "CLICKS_CONSENT",
    "CONSENT",
    "CONSENT_COLUMNS",
    "DECISION_COLUMNS",
    "DO_NOT_TRACK",
    "IMPORT_LAYOUT",
    "OPENS_CONSENT",
    "PIXEL_CONSENT",
    "PIXEL_TIME",
    "SOURCE",
    "SOURCE_ID",
    "STATEMENT_COLUMNS",
    "TIME",
]

DO_NOT_TRACK = "doNotTrack"
CONSENT = "tracking_consent"
OPENS_CONSENT = "tracking_consent_opens"
CLICKS_CONSENT = "tracking_consent_clicks"
SOURCE = "tracking_consent_source"
SOURCE_ID = "tracking_consent_source_id"
TIME = "tracking_consent_time"
PIXEL_CONSENT = "_PIXEL_TRACKING_CONSENT"
PIXEL_TIME = "_PIXEL_TRACKING_CONSENT_DATE"

CONSENT_COLUMNS = (CONSENT, OPENS_CONSENT, CLICKS_CONSENT, PIXEL_CONSENT)
"""The columns with a consent for at least one purpose."""

DECISION_COLUMNS = (DO_NOT_TRACK, *CONSENT_COLUMNS)
"""The columns that say whether a contact may be tracked."""

STATEMENT_COLUMNS = (SOURCE, SOURCE_ID, TIME, PIXEL_TIME)
"""The columns that say how a decision was made."""

_KEYS = {normalized(key): key for key in (*DECISION_COLUMNS, *STATEMENT_COLUMNS)} | {
    "pixeltrackingconsentsource": SOURCE
}

_MAPP_NAME = re.compile(
    r"""\s*user\.(?:customattribute(?:\.|\[))?["']?(?P<name>[^"'\]]+)["']?\]?\s*""", re.IGNORECASE
)
_MAPP_CONTACT = "user.email"
_BREVO_CONTACT = "email"
_BREVO_NUMBER = "CONTACT ID"
_BREVO_NAMES = {"pixeltrackingconsent", "addedtime", "modifiedtime"}


def _key(column: str) -> str | None:
    mapp = _MAPP_NAME.fullmatch(column)
    return _KEYS.get(normalized(mapp["name"] if mapp else column))


def _contact_column(columns: Sequence[str]) -> int | None:
    """Return the column contact_id; of files of Mapp Engage and Brevo, the email address.

    The email address of other files is not used: it would make up contacts of tenants with
    other ids.
    """
    names = [normalized(column) for column in columns]
    if not _BREVO_NAMES.isdisjoint(names) and _BREVO_CONTACT in names:
        # Brevo's own number of the contact is not known to any other system.
        columns = [column if column.strip() != _BREVO_NUMBER else "" for column in columns]
        email = _BREVO_CONTACT
    else:
        email = _MAPP_CONTACT
    index = contact_id_column(columns)
    return names.index(email) if index is None and email in names else index


IMPORT_LAYOUT = Layout(_contact_column, _key)
