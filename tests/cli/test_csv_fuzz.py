"""The reader of contacts files, with random text and with damaged files.

A few seconds; minutes with `HUSHPOST_TEST_FAULTS=full`, as `make test-faults` sets it.
"""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hushpost_cli.contacts_file.csv_file import ContactsFile
from hushpost_cli.contacts_file.header import FileError
from hushpost_cli.contacts_file.lines import MAX_ROW_LINES
from hushpost_cli.importing.columns import IMPORT_LAYOUT
from hushpost_cli.importing.preflight import check_rows
from tests.faults.extent import FIRST_SEED, FULL

FUZZ = settings(
    max_examples=3_000 if FULL else 300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
DAMAGED_FILES = 600 if FULL else 150

SIGNIFICANT = ['"', '""', '"\n', ',"', '",', ",", ";", "\t", "\n", "\r", "\r\n", "\x00", "\ufeff"]
ORDINARY = [
    "ann",
    "true",
    "no",
    "denied",
    "2026-11-28",
    "\u2028",
    "\x85",
    "é",
    "\x1b[31m",
    "x" * 200,
]
pieces = st.sampled_from(SIGNIFICANT + ORDINARY) | st.text(max_size=5)
texts = st.lists(pieces, max_size=60).map(lambda parts: "".join(parts).encode("utf-8", "replace"))
headers = st.sampled_from(
    [
        b"contact_id,doNotTrack\n",
        b"contact_id;note;doNotTrack\r\n",
        b'"contact_id"\tx\n',
        b"contact_id,tracking_consent,tracking_consent_time\n",
        b"",
    ]
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the test's file."""
    return tmp_path / "contacts.csv"


@FUZZ
@given(headers, texts | st.binary(max_size=400))
def test_any_file_is_read_or_rejected(path: Path, header: bytes, content: bytes) -> None:
    """A file is rejected, or each row is good or has a reason; lines ascend."""
    path.write_bytes(header + content)
    try:
        rows = list(ContactsFile.open(path).rows())
        summary = check_rows(ContactsFile.open(path, layout=IMPORT_LAYOUT), "false", lambda _: None)
    except FileError as error:
        message = str(error)
    else:
        message = ""
    if message:
        assert len(message) < 1_000
        assert message.isprintable()
        return
    lines = [row.line for row in rows]
    assert lines == sorted(set(lines))
    last_line = len((header + content).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
    assert all(1 < line <= last_line for line in lines)
    assert summary.rows == len(rows)
    assert all("\n" not in reason for _, reason in summary.examples)


@pytest.mark.parametrize("seed", [FIRST_SEED])
def test_no_row_is_lost_to_stray_quotes(path: Path, seed: int) -> None:
    """Each line is a row or bad, or in a cell of the line before; distant rows are intact."""
    random = Random(seed)  # noqa: S311 - reproducible
    for _ in range(DAMAGED_FILES):
        cells = [[f"c{number}", "true", "x"] for number in range(random.randint(1, 1_000))]
        near: set[int] = set()
        for _ in range(random.randint(1, 6)):
            number, column = random.randrange(len(cells)), random.randrange(3)
            text = cells[number][column]
            at = random.randint(0, len(text))
            cells[number][column] = f'{text[:at]}"{text[at:]}'
            near.update(range(number, number + MAX_ROW_LINES))
        content = "".join(",".join(row) + "\n" for row in cells)
        path.write_text("contact_id,doNotTrack,note\n" + content)
        rows = {row.line: row for row in ContactsFile.open(path).rows()}
        for number, expected in enumerate(cells):
            line = number + 2
            row, before = rows.get(line), rows.get(line - 1)
            assert row or (before and any("\n" in cell for cell in before.cells))
            if number not in near:
                assert row == (line, expected, None)
