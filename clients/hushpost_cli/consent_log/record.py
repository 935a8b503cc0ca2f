"""An entry of the log of preferences, as text, and the chain of digests over the entries."""

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from hushpost_client import PreferenceChange

__all__ = ["START", "Record", "next_digest", "record_of"]

START = hashlib.sha256(b"hushpost consent log 1").hexdigest()
"""The digest before the first entry."""


class Record(NamedTuple):
    """An entry; the names of the fields are those of the file. What is not known is empty."""

    change_number: str
    change_time: str
    contact_id: str
    old_opens_consent: str
    new_opens_consent: str
    old_clicks_consent: str
    new_clicks_consent: str
    opens_decided: str
    clicks_decided: str
    source: str
    source_id: str
    evidence: str
    wording_version: str
    wording_language: str
    decision_time: str
    actor: str


def record_of(change: PreferenceChange) -> Record:
    """Return a change of the log as text."""
    details = change.details
    return Record(
        change_number=str(change.change_number),
        change_time=_time(change.change_time),
        contact_id=change.contact_id,
        old_opens_consent=_word(change.old_opens_consent),
        new_opens_consent=_word(change.new_opens_consent),
        old_clicks_consent=_word(change.old_clicks_consent),
        new_clicks_consent=_word(change.new_clicks_consent),
        opens_decided=_yes_no(change.opens_decided),
        clicks_decided=_yes_no(change.clicks_decided),
        source=_word(change.source),
        source_id=details.source_id or "",
        evidence=change.evidence or "",
        wording_version=details.wording_version or "",
        wording_language=details.wording_language or "",
        decision_time=_time(details.decision_time),
        actor=change.actor,
    )


def next_digest(digest: str, record: Record) -> str:
    """Return the digest after an entry, from the one before it.

    SHA-256 of the digest before, a newline, and the entry as a JSON array of strings without
    blanks, in hexadecimal. It depends on all entries so far, and not on the format of the file.
    """
    content = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{digest}\n{content}".encode()).hexdigest()


def _word(member: StrEnum | None) -> str:
    return member.lower() if member else ""


def _yes_no(value: bool) -> str:
    return "true" if value else "false"


def _time(time: datetime | None) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z") if time else ""
