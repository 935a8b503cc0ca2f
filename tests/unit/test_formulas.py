"""Cells that spreadsheets do not evaluate."""

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hushpost_documents.formulas import guard, unguard

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
texts = st.text(st.sampled_from("=+-@'\",;|\t\r\n ab\uff1d\uff0b\uff0d\uff201()")) | st.text()


@given(texts)
@example("'=1")
@example("a;'=1")
def test_the_text_is_restored(text: str) -> None:
    """`unguard` returns what was given to `guard`, also if it starts with an apostrophe."""
    assert unguard(guard(text)) == text


@given(texts)
@example("=1+1")
@example("a;=1+1")
@example('a;"=1+1;b')
@example("a\n=1+1")
def test_no_cell_is_a_formula_at_any_delimiter(text: str) -> None:
    """However a spreadsheet splits the line into cells, none of them starts a formula."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(["x", guard(text), "x"])
    line = out.getvalue()
    for delimiter in ",;\t|":
        for cells in csv.reader(io.StringIO(line, newline=""), delimiter=delimiter):
            assert not [cell for cell in cells if cell.startswith(FORMULA)]
    for piece in re.split('[,;|"\t\r\n]', line.removesuffix("\n")):
        assert not piece.startswith(FORMULA)


@pytest.mark.parametrize("text", ["ann", "ann@example.com", "a-b", "o'neil", "", " =1", "1+1"])
def test_ordinary_text_is_not_changed(text: str) -> None:
    """Text that no spreadsheet evaluates is written as it is."""
    assert guard(text) == text
