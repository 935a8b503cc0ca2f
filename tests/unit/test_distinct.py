"""Distinct combinations of columns, with and without sorting."""

import numpy as np
import pytest

from hushpost_service.domain.events import distinct


@pytest.mark.parametrize("rows", [1, 50, 2000])
@pytest.mark.parametrize("values", [1, 3, 40, 10**12])
def test_finds_the_first_row_and_the_rank_of_each_combination(rows: int, values: int) -> None:
    """Few combinations are found without sorting, many by sorting: the result is the same."""
    random = np.random.default_rng([rows, values])
    columns = [random.integers(7, 7 + values, rows), random.integers(-1, 2, rows)]
    combinations = list(zip(*(column.tolist() for column in columns), strict=True))
    ranked = sorted(set(combinations))

    first, positions = distinct(*columns)

    assert first.tolist() == [combinations.index(combination) for combination in ranked]
    assert positions.tolist() == [ranked.index(combination) for combination in combinations]
