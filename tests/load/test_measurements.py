"""What the measurements of clicks and overload make of their rounds."""

import pytest

from bench.measurements import click_throughput, overload
from bench.measurements.click_throughput import _Round
from bench.measurements.overload import _Overload
from bench.results import Figure, Result

FAST, SLOW = 0.2, 0.8
"""Shares of one core that a load generator used: one that keeps up, and one that may not."""


def clicks(load_share: float) -> Figure:
    """Return the figure of three rounds."""
    rounds = [_Round(1500, 3000, 1600, cpu_us, load_share) for cpu_us in (250, 260, 900)]
    return click_throughput._ratio("record_click_vs_echo", rounds)


def overloads(load_share: float) -> list[Result]:
    """Return the results of rounds in which the load generator used a share at the highest load."""
    return overload._results(
        {
            multiple: [_Overload(1e4, multiple * 1e4, 1e4, 0.5, 0, share, 0.01, 0.1)] * 3
            for multiple, share in {2: FAST, 10: load_share}.items()
        }
    )


def test_clicks_say_how_much_cpu_the_authority_used() -> None:
    """The conditions of the ratio have the median over the rounds."""
    assert "authority 260 µs of CPU per click; load generator 20% of" in clicks(FAST).conditions


def test_a_load_generator_that_may_not_keep_up_fails_the_measurement() -> None:
    """It would measure the load generator instead of the authority."""
    assert overloads(FAST)
    for measured in (clicks, overloads):
        with pytest.raises(AssertionError, match="the load generator used 80% of a core"):
            measured(SLOW)
