"""Exports of the log of preferences, and what `hushpost consent verify` finds in them."""

import csv
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from hushpost_cli._app import build
from hushpost_cli.consent_log.comparison import compare
from hushpost_cli.consent_log.log_file import Entry, Format, LogFileError, LogWriter, read_log
from hushpost_cli.consent_log.record import Record
from hushpost_cli.consent_log.verification import LogSummary, checked_log

FORMATS: tuple[Format, ...] = ("csv", "jsonl")
MINUTE = 60_000 << 20
"""A minute in numbers of changes."""

Verify = Callable[..., tuple[int, str]]


def record(number: int, contact_id: str = "ann", **fields: str) -> Record:
    """Return an entry with a number."""
    values = dict.fromkeys(Record._fields, "")
    values |= {"change_number": str(number), "contact_id": contact_id, "actor": "7"}
    return Record(**{**values, **fields})


def write(path: Path, records: Iterable[Record], file_format: Format | None = None) -> str:
    """Write a file of entries; return its digest."""
    with path.open("w", encoding="utf-8", newline="") as text:
        log = LogWriter(text, file_format or ("jsonl" if path.suffix == ".jsonl" else "csv"))
        for each in records:
            log.add(each)
        log.end()
    return log.digest


@pytest.fixture
def verify() -> Verify:
    """Run `hushpost consent verify`; return its exit code and output."""

    def run(*arguments: str | Path) -> tuple[int, str]:
        done = CliRunner().invoke(build(), ["consent", "verify", *map(str, arguments)])
        return done.exit_code, done.output

    return run


RECORDS = [
    record(number << 20, f"c{number % 3}", evidence=f'=1;"{number}') for number in range(1, 8)
]


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl"])
def test_an_unchanged_file_is_verified(verify: Verify, tmp_path: Path, name: str) -> None:
    """The number of entries and the digest are printed; the digest can be compared."""
    digest = write(tmp_path / name, RECORDS)
    code, out = verify(tmp_path / name, "--digest", digest.upper())
    assert code == 0
    assert f"{name}: 7 changes" in out
    assert f"digest: {digest}" in out
    code, out = verify(tmp_path / name, "--digest", "0" * 64)
    assert code == 1
    assert "its digest is not the one that is given" in out


def test_the_digest_does_not_depend_on_the_format(tmp_path: Path) -> None:
    """CSV and JSON Lines of the same entries have the same digest."""
    digests = {write(tmp_path / f"log.{each}", RECORDS, each) for each in FORMATS}
    assert len(digests) == 1


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(texts, min_size=16, max_size=16), st.sampled_from(FORMATS))
def test_any_text_is_read_back(cells: list[str], file_format: Format) -> None:
    """Entries are read back with all their text: separators, newlines, formulas."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        cells[0] = "1"
        write(path, [Record(*cells)], file_format)
        entry, _ = read_log(path)
    assert isinstance(entry, Entry)
    assert entry.record == Record(*cells)


def test_the_digests_are_those_of_the_documentation(tmp_path: Path) -> None:
    """Anyone can compute the digests of a file as docs/consent.md says."""
    path = tmp_path / "log.jsonl"
    write(path, [record(1, "ännë", evidence='"\n'), record(2, "bob")])
    digest = hashlib.sha256(b"hushpost consent log 1").hexdigest()
    *entries, _end = map(json.loads, path.read_text("utf-8").splitlines())
    for entry in entries:
        expected = entry.pop("digest")
        text = json.dumps(list(entry.values()), ensure_ascii=False).replace('", "', '","')
        digest = hashlib.sha256(f"{digest}\n{text}".encode()).hexdigest()
        assert digest == expected


def content(path: Path) -> tuple[list[Any], list[str]]:
    """Return what a file says, and its problems."""
    summary = LogSummary()
    try:
        entries = [entry[1:] for entry in checked_log(path, summary)]
    except LogFileError as error:
        return [], [str(error)]
    return entries, summary.problems


@settings(max_examples=300, derandomize=True)
@given(
    st.sampled_from(FORMATS), st.integers(0), st.sampled_from(["", "0", "x", '"', "\n", ",", "é"])
)
def test_any_change_of_a_character_shows(file_format: Format, offset: int, text: str) -> None:
    """Replacing, adding or removing a character is found, unless the content is the same."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        write(path, RECORDS, file_format)
        before = content(path)
        original = path.read_bytes()
        for width in (0, 1):
            at = offset % len(original)
            path.write_bytes(original[:at] + text.encode() + original[at + width :])
            entries, problems = content(path)
            assert problems or entries == before[0]


def damage(path: Path, change: Callable[[list[str]], None]) -> None:
    """Change the lines of a file."""
    lines = path.read_text().splitlines(keepends=True)
    change(lines)
    path.write_text("".join(lines))


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl"])
@pytest.mark.parametrize("offset", range(7))
def test_every_removed_entry_shows(verify: Verify, tmp_path: Path, name: str, offset: int) -> None:
    """Removing any entry, also the first or the last, is found."""
    path = tmp_path / name
    write(path, RECORDS)
    line = offset + (name == "log.csv")
    damage(path, lambda lines: lines.__delitem__(line))
    code, out = verify(path)
    assert code == 1
    assert f"line {line + 1}" in out


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl"])
@pytest.mark.parametrize("field", Record._fields)
def test_every_changed_field_shows(verify: Verify, tmp_path: Path, name: str, field: str) -> None:
    """Changing any field of an entry is found, with its line, and only there."""
    path = tmp_path / name
    write(path, RECORDS)
    if name == "log.jsonl":
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        lines[3][field] += "0"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        number = 4
    else:
        with path.open(newline="") as text:
            rows = list(csv.reader(text))
        rows[4][Record._fields.index(field)] += "0"
        with path.open("w", newline="") as text:
            csv.writer(text, lineterminator="\n").writerows(rows)
        number = 5
    code, out = verify(path)
    assert code == 1
    assert f"line {number} was changed" in out
    if field != "change_number":
        assert out.count("line ") == 1


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: lines.insert(3, lines[3]), "line 5 is not in the order of changes"),
        (lambda lines: lines.insert(3, lines.pop(4)), "line 5 is not in the order of changes"),
        (lambda lines: lines.pop(), "it is cut off: its end is missing"),
        (lambda lines: lines.append(lines[1]), "line 10 follows the end"),
        (lambda lines: lines.__delitem__(slice(4, 8)), "the file had 7 entries when it was"),
    ],
)
def test_other_damage_shows(verify: Verify, tmp_path: Path, change: Any, problem: str) -> None:
    """Repeated, moved, appended and missing lines are found."""
    path = tmp_path / "log.csv"
    write(path, RECORDS)
    damage(path, change)
    code, out = verify(path)
    assert code == 1
    assert problem in out


NO_LOGS = ["", "a,b\n", "{}\n", "[1]\n", "{\n", "\xff", '{"end": 1, "digest": "x"}\n', "null\n"]


@pytest.mark.parametrize("text", NO_LOGS)
def test_another_file_is_no_log(verify: Verify, tmp_path: Path, text: str) -> None:
    """A file of another kind is an error of the command line."""
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode("latin-1"))
    code, out = verify(path)
    assert code == 2
    assert out.startswith("hushpost: log.csv ")
    assert verify(tmp_path / "absent")[0] == 2


def test_problems_are_listed_up_to_ten(verify: Verify, tmp_path: Path) -> None:
    """A file whose lines are all wrong has a short report."""
    path = tmp_path / "log.jsonl"
    write(path, [record(number) for number in range(1, 40)])
    path.write_text(path.read_text().replace('"actor": "7"', '"actor": "8"'))
    code, out = verify(path)
    assert (code, len(out.splitlines())) == (1, 12)
    assert "and 29 more" in out


@pytest.fixture
def extends(verify: Verify, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Write an earlier and a later file, and verify that one extends the other."""

    def run(earlier: list[Record], later: list[Record]) -> tuple[int, str]:
        write(tmp_path / "earlier.csv", earlier)
        write(tmp_path / "later.jsonl", later)
        return verify(tmp_path / "later.jsonl", "--extends", tmp_path / "earlier.csv")

    return run


def test_a_later_export_extends_an_earlier_one(extends: Any) -> None:
    """A later export has all entries of an earlier one, and may have more."""
    assert extends(RECORDS, RECORDS)[0] == 0
    code, out = extends(RECORDS[:4], RECORDS)
    assert code == 0
    assert "extends earlier.csv by 3 changes" in out


def test_an_erased_contact_is_reported(extends: Any) -> None:
    """If all entries of a contact are missing or have one pseudonym, it looks erased."""
    without = [each for each in RECORDS if each.contact_id != "c1"]
    pseudonyms = [
        each._replace(contact_id="erased:1f") if each.contact_id == "c1" else each
        for each in RECORDS
    ]
    back = record(9 << 20, "c1")
    for later in (without, pseudonyms, [*without, back]):
        code, out = extends(RECORDS, later)
        assert code == 3
        assert "3 changes of 1 contacts are erased" in out


def _one_missing(records: list[Record]) -> None:
    del records[3]


def _one_changed(records: list[Record]) -> None:
    records[3] = records[3]._replace(new_opens_consent="granted")


def _one_moved_to_another_contact(records: list[Record]) -> None:
    records[3] = records[3]._replace(contact_id="eve")


def _two_pseudonyms(records: list[Record]) -> None:
    for index, pseudonym in ((0, "erased:1"), (3, "erased:2"), (6, "erased:1")):
        records[index] = records[index]._replace(contact_id=pseudonym)


def _pseudonym_with_another_decision(records: list[Record]) -> None:
    for index in (0, 3, 6):
        records[index] = records[index]._replace(contact_id="erased:1", source="sender")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_one_missing, "is there, but others of its contact are missing"),
        (_one_changed, f"change {4 << 20} differs"),
        (_one_moved_to_another_contact, f"change {4 << 20} differs"),
        (_two_pseudonyms, "were not erased together"),
        (_pseudonym_with_another_decision, f"change {1 << 20} differs"),
    ],
)
def test_what_no_erasure_explains_shows(
    extends: Any, change: Callable[[list[Record]], None], problem: str
) -> None:
    """A rewritten log shows, although the later file is consistent in itself."""
    later = list(RECORDS)
    change(later)
    code, out = extends(RECORDS, later)
    assert code == 1
    assert problem in out


def test_only_late_commits_may_be_inserted(tmp_path: Path) -> None:
    """An entry may appear before the last of an earlier export only if it is minutes older."""
    earlier = [record(1), record(60 * MINUTE)]
    write(tmp_path / "a", earlier)
    for number, problems in (
        (59 * MINUTE, []),
        (10 * MINUTE, [f"change {10 * MINUTE} was inserted"]),
    ):
        write(tmp_path / "b", [earlier[0], record(number, "bob"), earlier[1]])
        assert compare(tmp_path / "a", tmp_path / "b").problems == problems
