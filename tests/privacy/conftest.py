"""Report the success rate of each attack at the end of the test run."""

from collections.abc import Callable

import pytest

from .attack import ATTACKS, Attack

Report = Callable[[Attack], None]


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Record an attack's result for the summary; tests call it before they assert."""
    attacks = request.config.stash.setdefault(ATTACKS, [])
    return attacks.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print attempts, successes, and successes against the control, one line per attack."""
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
