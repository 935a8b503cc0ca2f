"""Parsing headers and rows."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_cli.contacts_file.header import (
    FileError,
    Header,
)
from hushpost_cli.contacts_file.header import read_header as read_any_header
from hushpost_cli.contacts_file.rows import BadRowError
from hushpost_cli.importing.cells import Contact, read_contact
from hushpost_cli.importing.columns import IMPORT_LAYOUT
from hushpost_cli.importing.decision import KEEP
from hushpost_client import DoNotTrack, PreferenceSource
from hushpost_documents.formulas import unguard


def read_header(lines: list[str], delimiters: tuple[str, ...] = (",", ";")) -> Header:
    """Return the header of a file to import."""
    return read_any_header(lines, delimiters, IMPORT_LAYOUT)


HEADER = read_header(["contact_id,doNotTrack"])
VALUES = {
    "true": DoNotTrack.TRUE,
    "1": DoNotTrack.TRUE,
    "yes": DoNotTrack.TRUE,
    "false": DoNotTrack.FALSE,
    "0": DoNotTrack.FALSE,
    "no": DoNotTrack.FALSE,
}


def simple(contact: Contact) -> tuple[str, DoNotTrack | None, PreferenceSource]:
    """Return a contact with the decision for both purposes."""
    return contact.contact_id, contact.decision.do_not_track, contact.source


blanks = st.sampled_from(["", " ", "\t", "  "])
contact_ids = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"], exclude_characters="'"),
    min_size=1,
    max_size=32,
)


@given(contact_ids, st.sampled_from(sorted(VALUES)), st.randoms(), blanks, blanks)
def test_values_are_read_in_any_case(
    contact_id: str, word: str, random: Random, before: str, after: str
) -> None:
    """true, false, 1, 0, yes and no are accepted in any case, with blanks around them."""
    cell = before + "".join(random.choice((c.upper(), c)) for c in word) + after
    contact = read_contact([contact_id, cell], HEADER, "false")
    assert simple(contact) == (contact_id, VALUES[word], PreferenceSource.IMPORT)


@given(contact_ids, blanks)
def test_an_empty_cell_is_false_with_its_own_source(contact_id: str, cell: str) -> None:
    """An empty cell means FALSE, with the source IMPORT_EMPTY_CELL."""
    contact = read_contact([contact_id, cell], HEADER, "false")
    assert simple(contact) == (contact_id, DoNotTrack.FALSE, PreferenceSource.IMPORT_EMPTY_CELL)


@given(contact_ids, blanks)
def test_empty_as_unset(contact_id: str, cell: str) -> None:
    """With `--empty-as unset`, an empty cell means UNSET."""
    contact = read_contact([contact_id, cell], HEADER, "unset")
    assert simple(contact) == (contact_id, DoNotTrack.UNSET, PreferenceSource.IMPORT)


@given(contact_ids)
def test_a_missing_cell_keeps_the_preference(contact_id: str) -> None:
    """A row that ends before the column keeps the preference."""
    assert read_contact([contact_id], HEADER, "false").decision == KEEP


def test_a_missing_column_keeps_all_preferences() -> None:
    """Without the column, every row keeps the preference."""
    contact = read_contact(["Ann", "ann"], read_header(["name,contact_id"]), "false")
    assert (contact.contact_id, contact.decision) == ("ann", KEEP)


@given(contact_ids, st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_other_value_is_an_error(contact_id: str, cell: str) -> None:
    """Any other value makes the row bad."""
    if cell.strip().lower() in {*VALUES, ""}:
        return
    with pytest.raises(BadRowError, match="doNotTrack is"):
        read_contact([contact_id, cell], HEADER, "false")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), max_size=5))
def test_any_row_is_good_or_bad(cells: list[str]) -> None:
    """Every row is either parsed within the limits of the interface or rejected as bad."""
    try:
        contact = read_contact(cells, HEADER, "false")
    except BadRowError:
        return
    assert 1 <= len(contact.contact_id.encode()) <= 128
    assert contact.contact_id == unguard(cells[0])


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([""], "contact_id is empty"),
        ([" \t"], "contact_id is empty"),
        ([" ann"], "contact_id has leading or trailing blanks"),
        (["a\nb"], "contact_id contains a control character"),
        (["a\x00b"], "contact_id contains a control character"),
        (["a\x85b"], "contact_id contains a control character"),
        (["a\u2028b"], "contact_id contains a control character"),
        (["a" * 129], "contact_id is longer than 128 bytes"),
        (["ä" * 65], "contact_id is longer than 128 bytes"),
        (["ann", "true", "x"], "has 3 cells, the header has 2"),
    ],
)
def test_bad_rows_have_a_reason(cells: list[str], reason: str) -> None:
    """Each kind of bad row has its own reason."""
    with pytest.raises(BadRowError) as caught:
        read_contact(cells, HEADER, "false")
    assert str(caught.value) == reason


def test_a_row_that_ends_before_the_contact_is_bad() -> None:
    """A row that ends before the column contact_id is bad."""
    with pytest.raises(BadRowError, match="ends before"):
        read_contact(["x"], read_header(["a,contact_id"]), "false")


@pytest.mark.parametrize("cells", [["a" * 128, "no"], ["ä" * 64, "no"], ["ann", "no", "", ""]])
def test_good_rows_at_the_limits(cells: list[str]) -> None:
    """128 bytes are allowed, and so are empty cells beyond the header."""
    assert read_contact(cells, HEADER, "false").contact_id == cells[0]


@pytest.mark.parametrize(
    "line",
    [
        "contact_id,doNotTrack",
        "CONTACT_ID;DONOTTRACK",
        " contact_id , DoNotTrack \r\n",
        '"contact_id";"doNotTrack"',
        "Contact ID,do_not_track",
    ],
)
def test_headers_are_read_tolerantly(line: str) -> None:
    """Case, blanks, quotes, delimiter and spelling variants of column names do not matter."""
    header = read_header([line], (",", ";"))
    assert (header.contact_id, header.positions) == (0, {"doNotTrack": 1})


def test_ignored_columns() -> None:
    """Ignored columns are listed, except for blank names."""
    header = read_header(["name,contact_id,,city\n"], (",", ";"))
    assert header.ignored == ("name", "city")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("email,doNotTrack", "no column contact_id"),
        ("contact_id,doNotTrack,DONOTTRACK", "DONOTTRACK twice"),
        ("contact_id,contact_id", "contact_id twice"),
        ("contact_id,name,Name", "Name twice"),
        ("contact_id,doNotTrack,do_not_track", "do_not_track twice"),
        ('"contact_id', "no column contact_id"),
    ],
)
def test_an_invalid_header_is_rejected(line: str, reason: str) -> None:
    """A header without contact_id, or with a duplicate column, is rejected."""
    with pytest.raises(FileError, match=reason):
        read_header([line], (",", ";"))


def test_a_given_delimiter_is_not_guessed() -> None:
    """With a given delimiter, no other one is tried."""
    with pytest.raises(FileError):
        read_header(["contact_id;doNotTrack"], (",",))
