"""Consent in words, and its changes as a table."""

from collections.abc import Iterable, Iterator

from rich.table import Table

from hushpost_cli._tables import new_table, printable, time_text
from hushpost_client import Consent, Mode, Preference, PreferenceChange

__all__ = ["changes_table", "preference_lines"]


def preference_lines(preference: Preference) -> Iterator[str]:
    """Yield the consent of a contact, and since when."""
    yield f"contact: {printable(preference.contact_id or '')}"
    yield f"opens: {_consent(preference.opens_consent)}, {_mode(preference.opens_mode)}"
    yield f"clicks: {_consent(preference.clicks_consent)}, {_mode(preference.clicks_mode)}"
    if preference.update_time is None:
        yield "last change: never"
    else:
        yield f"last change: {time_text(preference.update_time)} UTC"


def changes_table(changes: Iterable[PreferenceChange]) -> Table:
    """Return a row per change."""
    table = new_table("recorded (UTC)", "contact", "opens", "clicks", "source", "evidence", "key")
    for change in changes:
        table.add_row(
            time_text(change.change_time),
            printable(change.contact_id),
            _change(
                change.old_opens_consent, change.new_opens_consent, is_decided=change.opens_decided
            ),
            _change(
                change.old_clicks_consent,
                change.new_clicks_consent,
                is_decided=change.clicks_decided,
            ),
            change.source.lower() if change.source else "?",
            printable("; ".join(_evidence(change))),
            change.actor,
        )
    return table


def _evidence(change: PreferenceChange) -> Iterator[str]:
    details = change.details
    if details.source_id:
        yield details.source_id
    if details.wording_version or details.wording_language:
        words = filter(None, (details.wording_version, details.wording_language))
        yield f"wording {' '.join(words)}"
    if details.decision_time:
        yield f"decided {time_text(details.decision_time)}"
    if change.evidence:
        yield change.evidence


def _change(old: Consent | None, new: Consent | None, *, is_decided: bool) -> str:
    if old != new:
        return f"{_consent(old)} -> {_consent(new)}"
    return f"{_consent(new)}, confirmed" if is_decided else _consent(new)


def _consent(consent: Consent | None) -> str:
    return consent.lower() if consent else "?"


def _mode(mode: Mode | None) -> str:
    return f"mode {mode}" if mode else "mode ?"
