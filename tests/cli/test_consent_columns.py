"""The columns of consent in imported files."""

from datetime import UTC, datetime, timedelta
from itertools import permutations, product

import pytest

from hushpost_cli.contacts_file.header import FileError, Header, named_layout, read_header
from hushpost_cli.contacts_file.rows import BadRowError
from hushpost_cli.importing.cells import Contact, read_contact
from hushpost_cli.importing.columns import IMPORT_LAYOUT
from hushpost_cli.importing.decision import KEEP, Decision, Wish
from hushpost_cli.importing.repeats import RepeatedContacts
from hushpost_client import Consent, DoNotTrack, PreferenceSource

WORDS = {
    "": None,
    "granted": Wish.GRANTED,
    "unknown": Wish.UNKNOWN,
    "denied": Wish.DENIED,
    "withdrawn": Wish.WITHDRAWN,
}
MAPP = '"user.Email","user.FirstName","user.CustomAttribute.tracking_consent"'
BREVO = "CONTACT ID;EMAIL;LASTNAME;_PIXEL_TRACKING_CONSENT;_PIXEL_TRACKING_CONSENT_SOURCE"


def header_of(line: str) -> Header:
    """Return the header of a file to import."""
    return read_header([line], (",", ";", "\t"), IMPORT_LAYOUT)


def contact_of(line: str, cells: list[str]) -> Contact:
    """Return the contact of a row of a file with that header."""
    return read_contact(cells, header_of(line), "false")


@pytest.mark.parametrize(("both", "opens", "clicks"), list(product(WORDS, repeat=3)))
def test_the_consent_to_one_purpose_counts_before_that_to_both(
    both: str, opens: str, clicks: str
) -> None:
    """Each purpose has its own consent, else that to both; an empty cell says nothing."""
    contact = contact_of(
        "contact_id,tracking_consent,tracking_consent_opens,tracking_consent_clicks",
        ["ann", both.upper(), f" {opens} ", clicks],
    )
    expected = Decision(WORDS[opens] or WORDS[both], WORDS[clicks] or WORDS[both])
    assert contact.decision == expected
    assert contact.source is PreferenceSource.IMPORT


@pytest.mark.parametrize(
    ("do_not_track", "consent", "expected"),
    [
        ("true", "granted", Decision.of_both(Wish.REFUSED)),
        ("true", "unknown", Decision.of_both(Wish.REFUSED)),
        ("true", "withdrawn", Decision.of_both(Wish.WITHDRAWN)),
        ("true", "", Decision.of_both(Wish.REFUSED)),
        ("false", "denied", Decision.of_both(Wish.DENIED)),
        ("false", "unknown", Decision.of_both(Wish.UNKNOWN)),
        ("", "denied", Decision.of_both(Wish.DENIED)),
        ("", "unknown", Decision.of_both(Wish.UNKNOWN)),
        ("", "granted", Decision.of_both(Wish.GRANTED)),
        ("", "", Decision.of_both(Wish.GRANTED)),
    ],
)
def test_the_stricter_of_do_not_track_and_consent_counts(
    do_not_track: str, consent: str, expected: Decision
) -> None:
    """No column loosens another one; an empty doNotTrack cell counts only in an empty row."""
    contact = contact_of("contact_id,doNotTrack,tracking_consent", ["ann", do_not_track, consent])
    assert contact.decision == expected
    assert contact.is_empty is (do_not_track == consent == "")
    is_quirk = contact.source is PreferenceSource.IMPORT_EMPTY_CELL
    assert is_quirk is contact.is_empty


def test_a_decision_is_sent_as_do_not_track_or_as_consent() -> None:
    """A decision is either `do_not_track` or consents, never both."""
    for opens, clicks in product([None, *Wish], repeat=2):
        decision = Decision(opens, clicks)
        assert decision.do_not_track is None or decision.consents == (None, None)
    assert Decision.of_both(Wish.REFUSED).do_not_track is DoNotTrack.TRUE
    assert Decision(Wish.REFUSED, Wish.DENIED).do_not_track is DoNotTrack.TRUE
    assert Decision(Wish.DENIED, None).consents == (Consent.DENIED, None)
    assert Decision.of_both(Wish.DENIED).consents == (Consent.DENIED, Consent.DENIED)
    assert KEEP.do_not_track is None
    assert KEEP.consents == (None, None)


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("tracking_consent", "yes", "tracking_consent is 'yes', not granted, denied, withdrawn"),
        ("tracking_consent_opens", "maybe", "tracking_consent_opens is 'maybe'"),
        ("tracking_consent_clicks", "grant", "tracking_consent_clicks is 'grant'"),
        ("_PIXEL_TRACKING_CONSENT", "granted", "_PIXEL_TRACKING_CONSENT is 'granted', not true"),
        ("tracking_consent_time", "17/07/2026", "not a time such as 2026-11-28T15:04:05Z"),
        ("tracking_consent_time", "1969-01-01", "not a time such as"),
        ("tracking_consent_time", "2999-01-01", "tracking_consent_time is in the future"),
        ("tracking_consent_source", "x" * 513, "tracking_consent_source is longer than 512"),
        ("tracking_consent_source_id", "ä" * 129, "tracking_consent_source_id is longer than 256"),
    ],
)
def test_bad_cells_have_a_reason(column: str, cell: str, reason: str) -> None:
    """A cell that can't be read rejects its row, and says why."""
    with pytest.raises(BadRowError, match=reason):
        contact_of(f"contact_id,{column}", ["ann", cell])


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("2026-07-17T14:24:30.070Z", datetime(2026, 7, 17, 14, 24, 30, 70_000, UTC)),
        ("2026-07-17 14:24:30+02:00", datetime(2026, 7, 17, 12, 24, 30, tzinfo=UTC)),
        ("2026-07-17 14:24:30", datetime(2026, 7, 17, 14, 24, 30, tzinfo=UTC)),
        ("2026-07-17", datetime(2026, 7, 17, tzinfo=UTC)),
    ],
)
def test_source_and_time_are_read(cell: str, time: datetime) -> None:
    """The source, its id and the time are the statement of a row; times are UTC by default."""
    line = (
        "contact_id,tracking_consent,tracking_consent_source,tracking_consent_source_id,"
        "tracking_consent_time"
    )
    statement = contact_of(line, ["ann", "granted", " form ", "'=7", cell]).statement
    assert (statement.source, statement.source_id) == ("form", "=7")
    assert statement.time == time


def test_a_clock_that_is_ahead_is_tolerated() -> None:
    """Times up to five minutes in the future are accepted, as by the authority."""
    for minutes, is_accepted in ((4, True), (6, False)):
        time = datetime.now(UTC) + timedelta(minutes=minutes)
        row = ["ann", "granted", time.isoformat()]
        try:
            contact = contact_of("contact_id,tracking_consent,tracking_consent_time", row)
        except BadRowError:
            assert not is_accepted
        else:
            assert is_accepted
            assert contact.statement.time == time


@pytest.mark.parametrize(
    "line",
    [
        MAPP,
        MAPP.replace('"', ""),
        "user.Email;user.FirstName;user.CustomAttribute['tracking_consent']",
        "USER.EMAIL\tx\tuser.tracking_consent",
    ],
)
def test_an_export_of_mapp_is_read(line: str) -> None:
    """The email address is the contact id; attributes have Mapp's prefix."""
    header = header_of(line)
    contact = read_contact(["ann@example.com", "Ann", "withdrawn"], header, "false")
    assert contact.contact_id == "ann@example.com"
    assert contact.decision == Decision.of_both(Wish.WITHDRAWN)


def test_do_not_track_of_mapp_keeps_its_quirk() -> None:
    """Mapp reads an empty doNotTrack as false, and so does an import of its files."""
    contact = contact_of("user.Email,user.DoNotTrack", ["ann@example.com", ""])
    assert (contact.decision.do_not_track, contact.is_empty) == (DoNotTrack.FALSE, True)


@pytest.mark.parametrize(
    ("consent", "source", "expected"),
    [
        ("true", "form", Wish.GRANTED),
        ("false", "api", Wish.DENIED),
        ("false", "revocation_link", Wish.WITHDRAWN),
        ("Yes", "", Wish.GRANTED),
        ("0", "import", Wish.DENIED),
        ("", "", None),
    ],
)
def test_an_export_of_brevo_is_read(consent: str, source: str, expected: Wish | None) -> None:
    """The email address is the contact id; the consent to pixels is one to opens."""
    contact = contact_of(BREVO, ["17", "ann@example.com", "Ann", consent, source])
    assert contact.contact_id == "ann@example.com"
    assert contact.decision == Decision(expected, None)
    assert contact.statement.source == source


def test_an_ambiguous_date_of_brevo_is_kept_as_text() -> None:
    """Brevo's dates depend on a setting: what is not ISO 8601 is evidence, and no time."""
    line = "EMAIL,_PIXEL_TRACKING_CONSENT,_PIXEL_TRACKING_CONSENT_DATE"
    known = contact_of(line, ["a@example.com", "true", "2026-07-17T14:24:30.070Z"]).statement
    unknown = contact_of(line, ["a@example.com", "true", "05-07-2026"]).statement
    assert (known.time, known.note) == (datetime(2026, 7, 17, 14, 24, 30, 70_000, UTC), "")
    assert (unknown.time, unknown.note) == (None, "05-07-2026")
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    with pytest.raises(BadRowError, match="_PIXEL_TRACKING_CONSENT_DATE is in the future"):
        contact_of(line, ["a@example.com", "true", later])


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("contact_id,EMAIL,_PIXEL_TRACKING_CONSENT", "contact_id"),
        ("Contact ID,EMAIL,MODIFIED_TIME", "Contact ID"),
        ("CONTACT ID,EMAIL,MODIFIED_TIME", "EMAIL"),
        ("CONTACT ID,EMAIL,doNotTrack", "CONTACT ID"),
        ("user.Email,contact_id", "contact_id"),
    ],
)
def test_the_email_address_is_only_the_id_of_foreign_files(line: str, column: str) -> None:
    """A column contact_id comes first, unless it is Brevo's own number."""
    header = header_of(line)
    assert header.columns[header.contact_id] == column


def test_a_column_of_contact_ids_can_be_named() -> None:
    """`--contact-column` names the column; without it, no other email column is used."""
    with pytest.raises(FileError, match="no column contact_id"):
        header_of("email,tracking_consent")
    layout = named_layout(IMPORT_LAYOUT, "user.identifier")
    header = read_header(["user.Email,user.Identifier,tracking_consent"], (",",), layout)
    assert header.columns[header.contact_id] == "user.Identifier"
    with pytest.raises(FileError, match=r"no column user\.identifier"):
        read_header(["contact_id,x"], (",",), layout)


def test_two_columns_of_one_meaning_are_rejected() -> None:
    """Two columns that mean the same could contradict each other."""
    with pytest.raises(FileError, match=r"two columns for doNotTrack: doNotTrack and user\.DoNo"):
        header_of("contact_id,doNotTrack,user.DoNotTrack")


ROWS = [
    KEEP,
    Decision(Wish.GRANTED, None),
    Decision(Wish.DENIED, Wish.GRANTED),
    Decision(Wish.GRANTED, Wish.WITHDRAWN),
    Decision.of_both(Wish.UNKNOWN),
    Decision.of_both(Wish.REFUSED),
]


@pytest.mark.parametrize("size", [2, 3])
def test_rows_of_a_contact_are_combined_in_any_order(size: int) -> None:
    """One row is sent, with the strictest value of all rows for each purpose."""
    for rows in permutations(ROWS, size):
        contacts = [Contact("ann", decision) for decision in rows]
        repeated = RepeatedContacts()
        for line, contact in enumerate(contacts, 2):
            repeated.add(contact, line)
        chosen = [repeated.chosen(contact, line) for line, contact in enumerate(contacts, 2)]
        (last,) = [contact for contact in chosen if contact is not None][-1:]
        expected = KEEP
        for decision in rows:
            expected = expected.combined(decision)
        assert last.decision == expected


def test_an_empty_cell_does_not_count_next_to_a_value() -> None:
    """The quirk of the empty cell does not loosen another row of the contact."""
    empty = contact_of("contact_id,doNotTrack", ["ann", ""])
    value = Contact("ann", Decision(Wish.UNKNOWN, None))
    for rows in permutations([empty, value]):
        repeated = RepeatedContacts()
        for line, contact in enumerate(rows, 2):
            repeated.add(contact, line)
        chosen = [repeated.chosen(contact, line) for line, contact in enumerate(rows, 2)]
        assert [contact for contact in chosen if contact is not None][-1] == value
