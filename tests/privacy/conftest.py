"""Report the success rate of each attack at the end of the test run."""

from collections.abc import Callable
from dataclasses import asdict

import pytest

from .attack import Attack, Score

Report = Callable[[Attack], None]

PROPERTY = "attack"
"""The name under which test reports hold attacks, also those of other processes."""


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Record an attack's result for the summary; tests call it before they assert."""

    def add(attack: Attack) -> None:
        request.node.user_properties.append((PROPERTY, asdict(attack)))

    return add


def _attacks(terminalreporter: pytest.TerminalReporter) -> list[Attack]:
    """Return the attacks of all tests, by file."""
    tests = [
        test
        for tests in terminalreporter.stats.values()
        for test in tests
        if isinstance(test, pytest.TestReport) and test.when == "call"
    ]
    return [
        Attack(**{**found, "real": Score(**found["real"]), "control": Score(**found["control"])})
        for test in sorted(tests, key=lambda test: test.nodeid.partition("::")[0])
        for name, found in test.user_properties
        if name == PROPERTY and isinstance(found, dict)
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print attempts, successes, and successes against the control, one line per attack."""
    attacks = _attacks(terminalreporter)
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
