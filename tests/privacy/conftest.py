"""Attacks say what they achieved: a line for each at the end of the run."""

from collections.abc import Callable

import pytest

from .attack import ATTACKS, Attack

Report = Callable[[Attack], None]


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Take down what an attack achieved, before the test judges it."""
    attacks = request.config.stash.setdefault(ATTACKS, [])
    return attacks.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a line per attack: tried, succeeded, succeeded against the control."""
    attacks = terminalreporter.config.stash.get(ATTACKS, [])
    if not attacks:
        return
    terminalreporter.section("attacks")
    terminalreporter.write_line(
        f"{'':44}{'tried':>8}{'succeeded':>11}{'by chance':>11}{'control':>17}"
    )
    for attack in attacks:
        control = f"{attack.control.succeeded:,} of {attack.control.tried:,}"
        chance = f"{attack.chance * attack.real.tried:,.0f}"
        terminalreporter.write_line(
            f"{attack.name:44}{attack.real.tried:>8,}{attack.real.succeeded:>11,}"
            f"{chance:>11}{control:>17}"
        )
