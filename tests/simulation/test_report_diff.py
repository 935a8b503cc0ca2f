"""Comparing reported with expected values."""

from dataclasses import replace
from datetime import UTC, datetime

from hushpost_client import Mode, NewLink, Verdict
from tests.simulation.oracle import Model
from tests.simulation.report_diff import differences, numbers

NOW = datetime(2025, 3, 21, 12, 30, tzinfo=UTC)


def test_equal_reports_do_not_differ() -> None:
    """Equal reports have no differences; rates may differ by rounding."""
    stats = _model().stats()
    rates = replace(stats.rates, open_rate=replace(stats.rates.open_rate, combined=0.5 + 1e-16))
    assert differences(numbers(stats), numbers(replace(stats, rates=rates))) == []


def test_each_number_that_differs_is_named() -> None:
    """A line has the path, the expected value and the reported value."""
    stats = _model().stats()
    group = stats.groups[0]
    sent = replace(group.sent, identified=7)
    wrong = replace(stats, groups=(replace(group, sent=sent), *stats.groups[1:]))
    assert differences(numbers(stats), numbers(wrong)) == [
        "groups north > sent > identified: expected 1, reported 7"
    ]


def test_an_hour_too_much_or_too_few_differs() -> None:
    """Numbers that only one side has are differences, also if they are zeros."""
    stats = _model().stats()
    less = replace(stats, hours=())
    found = differences(numbers(less), numbers(stats))
    assert len(found) == len(differences(numbers(stats), numbers(less))) > 0
    assert all("expected nothing" in line for line in found)


def _model() -> Model:
    model = Model("c", [NewLink("https://a.example.com/")], ["north", "south"])
    model.send("north", (Mode.IDENTIFIED, Mode.IDENTIFIED), NOW)
    model.send("south", (Mode.ANONYMOUS, Mode.ANONYMOUS), NOW)
    model.record(0, 0, NOW, Verdict.HUMAN)
    return model
