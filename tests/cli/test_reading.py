"""A file becomes rows with the numbers of their physical lines."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hushpost_cli.contacts_file.layout import FileProblemError
from hushpost_cli.contacts_file.reading import ContactsFile


def read(path: Path, content: bytes, delimiter: str = "auto") -> list[tuple[int, list[str]]]:
    """Answer the rows of a file with this content."""
    path.write_bytes(content)
    return [(row.line, row.cells) for row in ContactsFile.open(path, delimiter).rows()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test puts its file."""
    return tmp_path / "contacts.csv"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_rows_have_the_line_on_which_they_start(path: Path, end: bytes, bom: bytes) -> None:
    """Quoted newlines and blank lines count as lines, with every kind of line end."""
    lines = [b"contact_id,note", b'a,"x', b'y"', b"", b"b", b'"c"', b""]
    rows = read(path, bom + end.join(lines))
    assert [(line, cells[0]) for line, cells in rows] == [(2, "a"), (5, "b"), (6, "c")]
    assert rows[0][1][1] == f"x{end.decode()}y"


def test_semicolons_are_found_out(path: Path) -> None:
    """The delimiter is the one that shows a contact_id in the header."""
    assert read(path, b'"contact_id";"doNotTrack"\n"a,b";yes\n') == [(2, ["a,b", "yes"])]


def test_a_quote_in_the_wrong_place_costs_its_row_only(path: Path) -> None:
    """A row that is no CSV is handed on with its raw text, and the next one is read."""
    path.write_bytes(b'contact_id,doNotTrack\n"a"b,true\nc,true\n')
    first, second = ContactsFile.open(path).rows()
    assert (first.line, first.cells) == (2, ['"a"b,true'])
    assert "can't be read as CSV" in (first.fault or "")
    assert (second.line, second.cells, second.fault) == (3, ["c", "true"], None)


def test_an_open_quote_swallows_nothing_unseen(path: Path) -> None:
    """What a quote that is never closed swallows is handed on as a fault."""
    path.write_bytes(b'contact_id,name\na,"open\nb,x\n')
    (row,) = ContactsFile.open(path).rows()
    assert (row.line, row.cells) == (2, ['a,"open\nb,x'])
    assert row.fault


def test_a_header_over_two_lines(path: Path) -> None:
    """A quoted newline in the header is part of a name."""
    assert read(path, b'contact_id,"two\nlines"\na,b\n') == [(3, ["a", "b"])]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n\r\n", "is empty"),
        ("contact_id\n".encode("utf-16"), "is UTF-16"),
        (b"contact_id,n\xe4me\n", r"byte 0xe4 at position 12, line 1"),
        (b"x" * (1 << 20), "more than 1,048,576 characters on line 1"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_at_its_header(
    path: Path, content: bytes, reason: str
) -> None:
    """An empty file, another encoding or another kind of file is refused."""
    with pytest.raises(FileProblemError, match=reason):
        read(path, content)


def test_bytes_that_are_not_utf8_are_named(path: Path) -> None:
    """The place of the first bad byte is told by position and line, deep in a file too."""
    good = b"contact_id\n" + b"ann@example.com\n" * 10_000
    with pytest.raises(FileProblemError, match=r"byte 0xff at position 160,013, line 10,002"):
        read(path, good + b"ab\xffc\n")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """Only a regular file can be read twice."""
    with pytest.raises(FileProblemError, match="not a regular file"):
        ContactsFile.open(tmp_path)


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufeff"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(cells, min_size=1, max_size=4)), st.sampled_from(",;"))
def test_what_a_spreadsheet_writes_is_read(
    path: Path, rows: list[list[str]], delimiter: str
) -> None:
    """Any rows written by a CSV writer come back, in order, at their lines."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["contact_id", "doNotTrack"])
    lines = []
    for row in rows:
        lines.append(len(out.getvalue().replace("\r\n", "\n").replace("\r", "\n").split("\n")))
        writer.writerow(row)
    read_rows = read(path, out.getvalue().encode(), delimiter)
    assert read_rows == list(zip(lines, rows, strict=True))
