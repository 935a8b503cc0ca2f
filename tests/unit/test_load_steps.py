"""Metrics of the load."""

import pytest

from hushpost_runtime.load_steps import rounded_load


@pytest.mark.parametrize(
    ("load", "limit", "steps", "shown"),
    [
        (0, 1_000, 10, 0),
        (99, 1_000, 10, 0),
        (100, 1_000, 10, 100),
        (1_234, 1_000, 10, 1_200),
        (4, 10, 2, 0),
        (9, 10, 2, 5),
        (10, 10, 2, 10),
        (3, 5, 10, 3),
    ],
)
def test_a_load_is_rounded_down(load: int, limit: int, steps: int, shown: int) -> None:
    """To a step of its limit, so that a low load is 0."""
    assert rounded_load(load, limit, steps) == shown
