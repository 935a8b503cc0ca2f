"""Reading rows with their physical line numbers from a contacts file."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hushpost_cli.contacts_file.csv_file import ContactsFile
from hushpost_cli.contacts_file.header import FileError


def read(path: Path, content: bytes, delimiter: str = "auto") -> list[tuple[int, list[str]]]:
    """Return the rows of a file with this content."""
    path.write_bytes(content)
    return [(row.line, row.cells) for row in ContactsFile.open(path, delimiter=delimiter).rows()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the test's file."""
    return tmp_path / "contacts.csv"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_row_has_the_number_of_its_first_line(path: Path, end: bytes, bom: bytes) -> None:
    """Quoted newlines and blank lines count as lines, with every kind of line ending."""
    lines = [b"contact_id,note", b'a,"x', b'y"', b"", b"b", b'"c"', b""]
    rows = read(path, bom + end.join(lines))
    assert [(line, cells[0]) for line, cells in rows] == [(2, "a"), (5, "b"), (6, "c")]
    assert rows[0][1][1] == f"x{end.decode()}y"


def test_the_delimiter_is_detected(path: Path) -> None:
    """The delimiter is the one that yields a column contact_id."""
    assert read(path, b'"contact_id";"doNotTrack"\n"a,b";yes\n') == [(2, ["a,b", "yes"])]


def test_a_misplaced_quote_affects_only_its_row(path: Path) -> None:
    """A malformed row is returned with its raw text, and the next row is parsed."""
    path.write_bytes(b'contact_id,doNotTrack\n"a"b,true\nc,true\n')
    first, second = ContactsFile.open(path).rows()
    assert (first.line, first.cells) == (2, ['"a"b,true'])
    assert "can't be read as CSV" in (first.error or "")
    assert (second.line, second.cells, second.error) == (3, ["c", "true"], None)


def errors(path: Path, content: bytes) -> list[tuple[int, str | None]]:
    """Return the line and the error of each row."""
    path.write_bytes(content)
    return [(row.line, row.error) for row in ContactsFile.open(path).rows()]


def test_an_unclosed_quote_is_an_error_of_its_line(path: Path) -> None:
    """A quote that is not closed makes its line malformed; the next line is parsed."""
    path.write_bytes(b'contact_id,name\na,"open\nb,x\n')
    first, second = ContactsFile.open(path).rows()
    assert (first.line, first.cells) == (2, ['a,"open'])
    assert first.error
    assert second == (3, ["b", "x"], None)


def test_what_may_be_the_rest_of_a_malformed_row_is_no_row(path: Path) -> None:
    """Lines up to the error are parsed only if they have as many cells as the header."""
    found = errors(path, b'contact_id,x,y\na,"one\ntwo\nb,c,d\n"three" four",\nfive\n')
    assert found == [
        (2, "can't be read as CSV: ',' expected after '\"'"),
        (3, "may belong to line 2, whose quotes are wrong"),
        (4, None),
        (5, "can't be read as CSV: ',' expected after '\"'"),
        (6, None),
    ]


def test_a_quoted_cell_that_contains_rows_is_malformed(path: Path) -> None:
    """Two stray quotes do not swallow the rows between them without a word."""
    found = errors(path, b'contact_id,x,note\na,1,"n\nb,1,n\nc,1,n"\nd,1,n\n')
    assert found == [
        (2, "has a quoted cell with lines that look like rows"),
        (3, "may belong to line 2, whose quotes are wrong"),
        (4, "may belong to line 2, whose quotes are wrong"),
        (5, None),
    ]


def test_a_stray_quote_costs_a_bounded_amount(path: Path) -> None:
    """A file in which every line has a stray quote is read in bounded time and memory."""
    content = b"contact_id,note\n" + b'a,"""","" \n' * 20_000
    assert len(errors(path, content)) >= 10_000


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"contact_id,%s\n" % b",".join(b"c%d" % n for n in range(100_000)), None),
        (b"contact_id%s\n" % (b",x" * 100_000), "has the column x twice"),
        (b"\x1b[31m,b\n", "\N{REPLACEMENT CHARACTER}\\[31m, b"),
        (b'contact_id,"x\n' + b"a,b\n" * 1_000, "check its quotes"),
        ("contact_id,b\n".encode("utf-16-le"), "contains NUL bytes; if it is UTF-16"),
    ],
)
def test_a_strange_header_is_a_clear_error(path: Path, header: bytes, reason: str | None) -> None:
    """Many columns, control characters, an open quote and NUL bytes are handled."""
    if reason is None:
        assert read(path, header + b"a,1\n") == [(2, ["a", "1"])]
        return
    with pytest.raises(FileError, match=reason) as caught:
        read(path, header)
    assert len(str(caught.value)) < 1_000


def test_a_header_over_two_lines(path: Path) -> None:
    """A quoted newline in the header is part of a column name."""
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
def test_a_file_of_another_kind_is_rejected(path: Path, content: bytes, reason: str) -> None:
    """An empty file, another encoding or another kind of file is rejected."""
    with pytest.raises(FileError, match=reason):
        read(path, content)


def test_invalid_utf8_is_located(path: Path) -> None:
    """The error names the position and the line of the first invalid byte."""
    good = b"contact_id\n" + b"ann@example.com\n" * 10_000
    with pytest.raises(FileError, match=r"byte 0xff at position 160,013, line 10,002"):
        read(path, good + b"ab\xffc\n")


def test_a_folder_is_rejected(tmp_path: Path) -> None:
    """Only a regular file can be read twice."""
    with pytest.raises(FileError, match="not a regular file"):
        ContactsFile.open(tmp_path)


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufeff"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(cells, min_size=1, max_size=4)), st.sampled_from(",;"))
def test_rows_of_a_csv_writer_are_read_back(
    path: Path, rows: list[list[str]], delimiter: str
) -> None:
    """Rows written by a CSV writer are read back in order, with their lines."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["contact_id", "doNotTrack"])
    lines = []
    for row in rows:
        lines.append(len(out.getvalue().replace("\r\n", "\n").replace("\r", "\n").split("\n")))
        writer.writerow(row)
    read_rows = read(path, out.getvalue().encode(), delimiter)
    assert read_rows == list(zip(lines, rows, strict=True))


@pytest.mark.parametrize("encoding", ["windows-1252", "iso-8859-1", "utf-16"])
def test_other_encodings_are_read(path: Path, encoding: str) -> None:
    """A file is read in the encoding that is given; without it, it is rejected."""
    path.write_bytes("contact_id;x\r\nänn@example.com;é\r\n".encode(encoding))
    (row,) = ContactsFile.open(path, encoding=encoding).rows()
    assert (row.line, row.cells) == (2, ["änn@example.com", "é"])
    with pytest.raises(FileError, match="choose its --encoding"):
        list(ContactsFile.open(path).rows())


@pytest.mark.parametrize(
    ("encoding", "content", "reason"),
    [
        ("windows-1252", b"contact_id\na\x81b\n", "WINDOWS-1252: byte 0x81 at position 12, line 2"),
        ("utf-16", b"contact_id\nann\n", "is not UTF-16; choose"),
        ("utf-16", "contact_id\nann\n".encode("utf-16")[:-1], "is not UTF-16; choose"),
    ],
)
def test_a_wrong_encoding_is_an_error(
    path: Path, encoding: str, content: bytes, reason: str
) -> None:
    """A file that is not in the encoding that is given is rejected."""
    path.write_bytes(content)
    with pytest.raises(FileError, match=reason):
        list(ContactsFile.open(path, encoding=encoding).rows())
