"""Estimates as they are shown."""

import pytest

from hushpost_service.domain.estimates import Estimate, clamped


@pytest.mark.parametrize(
    ("released", "margin", "limit", "expected"),
    [
        (40, 12, 100, Estimate(40, 12, is_noise=False)),
        (-3, 12, 100, Estimate(0, 12, is_noise=True)),
        (104, 12, 100, Estimate(100, 12, is_noise=False)),
        (11, 12, None, Estimate(11, 12, is_noise=True)),
        (0, 0, 100, Estimate(0, 0, is_noise=False)),
        (5, 12, 3, Estimate(3, 12, is_noise=True)),
    ],
)
def test_estimates_are_possible_numbers(
    released: int, margin: int, limit: int | None, expected: Estimate
) -> None:
    """Estimates are between 0 and the limit; those below their margin are marked."""
    assert clamped(released, margin, limit) == expected
