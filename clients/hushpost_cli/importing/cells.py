"""Parses the cells of an imported row."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

from hushpost_cli._times import utc_time
from hushpost_cli.contacts_file.header import Header, shown
from hushpost_cli.contacts_file.rows import BadRowError, read_contact_id
from hushpost_cli.importing import columns
from hushpost_cli.importing.decision import KEEP, Decision, Wish
from hushpost_client import PreferenceSource
from hushpost_documents.formulas import unguard

__all__ = ["NO_STATEMENT", "Contact", "EmptyAs", "Statement", "read_contact", "reader"]

EmptyAs: TypeAlias = Literal["false", "unset"]

# Limits of the interface: 1,024 bytes of evidence, which starts with the file and the line, and
# 256 bytes of `DecisionDetails.source_id`.
_MAX_SOURCE_BYTES = 512
_MAX_SOURCE_ID_BYTES = 256

# The authority tolerates the same difference of clocks.
_AHEAD = timedelta(minutes=5)

_YES_NO = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_EMPTY = {"false": Wish.GRANTED, "unset": Wish.UNKNOWN}
_CONSENTS = {
    "granted": Wish.GRANTED,
    "denied": Wish.DENIED,
    "withdrawn": Wish.WITHDRAWN,
    "unknown": Wish.UNKNOWN,
}
_REFUSED = Decision.of_both(Wish.REFUSED)
_GRANTED = Decision.of_both(Wish.GRANTED)
_CONSENT_KEYS = frozenset(columns.CONSENT_COLUMNS)
_STATEMENT_KEYS = frozenset(columns.STATEMENT_COLUMNS)
# What Brevo notes if a recipient refused with the link of a message.
_REVOKED = "revocation_link"


class Statement(NamedTuple):
    """What a row says about how a decision was made.

    Attributes:
        source: Where it was made, in the words of the file.
        source_id: The form or ticket by which it was made.
        time: When it was made; None if the row does not say.
        note: Other text of the row that is kept as evidence.
    """

    source: str = ""
    source_id: str = ""
    time: datetime | None = None
    note: str = ""


NO_STATEMENT = Statement()


class Contact(NamedTuple):
    """The contact of a row.

    Attributes:
        contact_id: The tenant's id.
        decision: What to set.
        source: IMPORT_EMPTY_CELL if an empty cell means FALSE.
        is_empty: Whether an empty cell sets the preference.
        statement: How the decision was made.
    """

    contact_id: str
    decision: Decision
    source: PreferenceSource = PreferenceSource.IMPORT
    is_empty: bool = False
    statement: Statement = NO_STATEMENT


def read_contact(cells: list[str], header: Header, empty_as: EmptyAs) -> Contact:
    """Parse a row.

    Args:
        cells: The row; may end before the last columns.
        header: The columns of the file.
        empty_as: The meaning of an empty `doNotTrack` cell in a row without other decisions. A
            row that ends before that column leaves the preference unchanged.

    Raises:
        BadRowError: The row can't be imported.
    """
    contact_id = read_contact_id(cells, header)
    # Most files have few of the columns, and millions of rows.
    has_consents = not _CONSENT_KEYS.isdisjoint(header.positions)
    decision = _consents(cells, header) if has_consents else KEEP
    do_not_track = header.cell(cells, columns.DO_NOT_TRACK)
    if do_not_track is not None:
        if do_not_track.strip():
            decision = _stricter(decision, _yes_no(do_not_track, columns.DO_NOT_TRACK))
        elif decision == KEEP:
            return _of_empty_cell(contact_id, empty_as)
    if _STATEMENT_KEYS.isdisjoint(header.positions):
        return Contact(contact_id, decision)
    return Contact(contact_id, decision, statement=_statement(cells, header))


def reader(empty_as: EmptyAs) -> Callable[[list[str], Header], Contact]:
    """Return `read_contact` for one meaning of an empty cell."""
    return partial(read_contact, empty_as=empty_as)


def _stricter(decision: Decision, do_not_track: bool) -> Decision:
    other = _REFUSED if do_not_track else _GRANTED
    return other if decision == KEEP else decision.combined(other)


def _of_empty_cell(contact_id: str, empty_as: EmptyAs) -> Contact:
    # The change log marks FALSE from an empty cell, because a blank proves no consent.
    is_false = empty_as == "false"
    source = PreferenceSource.IMPORT_EMPTY_CELL if is_false else PreferenceSource.IMPORT
    return Contact(contact_id, Decision.of_both(_EMPTY[empty_as]), source, is_empty=True)


def _consents(cells: list[str], header: Header) -> Decision:
    """Return the decision in the columns of consent.

    A consent to one purpose counts instead of one to both. Brevo's pixel records opens only.
    """
    both = _consent(cells, header, columns.CONSENT)
    opens = _consent(cells, header, columns.OPENS_CONSENT)
    clicks = _consent(cells, header, columns.CLICKS_CONSENT)
    decision = Decision(opens or both, clicks or both)
    return decision.combined(Decision(_pixel_consent(cells, header), None))


def _consent(cells: list[str], header: Header, key: str) -> Wish | None:
    value = (header.cell(cells, key) or "").strip().lower()
    if not value:
        return None
    try:
        return _CONSENTS[value]
    except KeyError:
        raise BadRowError(
            f"{key} is {shown(value)!r}, not granted, denied, withdrawn, unknown"
        ) from None


def _pixel_consent(cells: list[str], header: Header) -> Wish | None:
    cell = header.cell(cells, columns.PIXEL_CONSENT)
    if cell is None or not cell.strip():
        return None
    if _yes_no(cell, columns.PIXEL_CONSENT):
        return Wish.GRANTED
    source = (header.cell(cells, columns.SOURCE) or "").strip().lower()
    return Wish.WITHDRAWN if source == _REVOKED else Wish.DENIED


def _yes_no(cell: str, key: str) -> bool:
    try:
        return _YES_NO[cell.strip().lower()]
    except KeyError:
        raise BadRowError(f"{key} is {shown(cell)!r}, not true, false, 1, 0, yes, no") from None


def _statement(cells: list[str], header: Header) -> Statement:
    time, note = _time(cells, header)
    return Statement(
        _text(cells, header, columns.SOURCE, _MAX_SOURCE_BYTES),
        _text(cells, header, columns.SOURCE_ID, _MAX_SOURCE_ID_BYTES),
        time,
        note,
    )


def _text(cells: list[str], header: Header, key: str, max_bytes: int) -> str:
    text = unguard((header.cell(cells, key) or "").strip())
    if len(text.encode()) > max_bytes:
        raise BadRowError(f"{key} is longer than {max_bytes} bytes")
    if "\0" in text:
        raise BadRowError(f"{key} contains a NUL character")
    return text


def _time(cells: list[str], header: Header) -> tuple[datetime | None, str]:
    """Return when the decision was made; text that may be one of several dates as a note."""
    cell = (header.cell(cells, columns.TIME) or "").strip()
    if cell:
        try:
            time = utc_time(cell)
        except ValueError as error:
            raise BadRowError(f"{columns.TIME} is {shown(cell)!r}, {error}") from None
        return _not_in_future(time, columns.TIME), ""
    cell = (header.cell(cells, columns.PIXEL_TIME) or "").strip()
    if not cell:
        return None, ""
    try:
        time = utc_time(cell)
    except ValueError:
        # The format is a setting of the Brevo account, and the day may come before the month.
        return None, shown(cell)
    return _not_in_future(time, columns.PIXEL_TIME), ""


def _not_in_future(time: datetime, key: str) -> datetime:
    if time > datetime.now(UTC) + _AHEAD:
        raise BadRowError(f"{key} is in the future")
    return time
