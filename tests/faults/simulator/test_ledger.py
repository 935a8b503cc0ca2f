"""The model of the simulator: what acknowledgements say about the database."""

from math import inf

import pytest

from .ledger import AGGREGATE, ANONYMOUS, IDENTIFIED, Bounds, Cell, Ledger, Message
from .plan import make_plan
from .steps import FALSE, TRUE, PlannedEvent
from .timeline import Interval

EVENT = PlannedEvent("spring", "ann", 1)
CELL = Cell("spring", 1, machine=False)


@pytest.fixture
def ledger() -> Ledger:
    """A campaign created between 10 and 11, with a message to ann."""
    ledger = Ledger(created={"spring": Interval(10, 11)})
    ledger.messages["spring", "ann"] = Message("token", IDENTIFIED, Interval(12, 13))
    return ledger


def test_a_seed_makes_the_same_plan() -> None:
    """Two plans of a seed are equal, and those of two seeds are not."""
    assert make_plan(7) == make_plan(7)
    assert make_plan(7).faults != make_plan(8).faults


def test_only_a_call_without_an_outcome_may_count_or_not(ledger: Ledger) -> None:
    """An acknowledged event counts exactly once, and one of unknown outcome at most once."""
    ledger.record([EVENT], Interval(20, 21), is_sure=True)
    ledger.record([EVENT], Interval(20, inf), is_sure=False)
    assert ledger.totals()[CELL] == {0: Bounds(1, 2), IDENTIFIED: Bounds(1, 2)}
    assert ledger.identified() == {(CELL, "ann"): Bounds(1, 2)}


def test_no_row_is_right_after_an_opt_out(ledger: Ledger) -> None:
    """An opt-out makes all events of earlier campaigns anonymous, even if it is taken back."""
    ledger.record([EVENT], Interval(20, 21), is_sure=True)
    ledger.preferences["ann"].change(Interval(30, 31), TRUE)
    ledger.preferences["ann"].change(Interval(40, 41), FALSE)
    assert ledger.identified() == {}
    assert ledger.totals()[CELL] == {0: Bounds(1, 1), ANONYMOUS: Bounds(1, 1)}


@pytest.mark.parametrize(
    ("taken_back", "modes"),
    [
        (Interval(8, 9), {IDENTIFIED}),
        (Interval(9, 10.5), {IDENTIFIED, ANONYMOUS}),
        (Interval(12, 13), {ANONYMOUS}),
    ],
)
def test_an_opt_out_binds_only_campaigns_created_before_its_end(
    ledger: Ledger, taken_back: Interval, modes: set[int]
) -> None:
    """If the opt-in and the creation of the campaign overlap, both outcomes are right."""
    ledger.preferences["ann"].change(Interval(1, 2), TRUE)
    ledger.preferences["ann"].change(taken_back, FALSE)
    ledger.record([EVENT], Interval(20, 21), is_sure=True)
    assert set(ledger.totals()[CELL]) - {0} == modes


def test_a_privacy_signal_counts_by_the_mode_at_its_time(ledger: Ledger) -> None:
    """It is AGGREGATE before an opt-out, ANONYMOUS after it, and either during it."""
    ledger.preferences["ann"].change(Interval(30, 31), TRUE)
    event = PlannedEvent("spring", "ann", 1, privacy_signal=True)
    for when in (Interval(20, 21), Interval(30, 31), Interval(40, 41)):
        ledger.record([event], when, is_sure=True)
    totals = ledger.totals()[CELL]
    assert (totals[AGGREGATE], totals[ANONYMOUS]) == (Bounds(1, 2), Bounds(1, 2))
