"""The oracle that predicts statistics."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hushpost_client import CampaignStats, Count, Estimate, Mode, NewLink, Verdict
from tests.simulation.oracle import Model

NOON = datetime(2025, 3, 21, 12, 0, tzinfo=UTC)
LINKS = (NewLink("https://a.example.com/", label="a"), NewLink("https://b.example.com/", label="b"))
GROUPS = ("north", "south")
MESSAGES = 6

Step = Callable[[Model], None]


def make_model(modes: Sequence[Mode | tuple[Mode, Mode]]) -> Model:
    """Messages to two groups in turn; a single mode is that of opens and clicks."""
    model = Model("c", LINKS, GROUPS)
    for number, mode in enumerate(modes):
        pair = mode if isinstance(mode, tuple) else (mode, mode)
        model.send(GROUPS[number % 2], pair, NOON)
    return model


one_mode = st.sampled_from([*Mode][1:])
modes = st.lists(st.tuples(one_mode, one_mode), min_size=MESSAGES, max_size=MESSAGES)
messages = st.integers(0, MESSAGES - 1)


@st.composite
def events(draw: st.DrawFn, *, signals: bool = True) -> Step:
    """An event or an opt-out of a message."""
    message, link = draw(messages), draw(st.integers(0, len(LINKS)))
    time = NOON - timedelta(minutes=draw(st.integers(0, 300)))
    verdict = draw(st.sampled_from(Verdict))
    privacy_signal = signals and draw(st.booleans())
    return lambda model: model.record(message, link, time, verdict, privacy_signal=privacy_signal)


@st.composite
def opt_outs(draw: st.DrawFn) -> Step:
    """A contact opts out, of clicks or of all."""
    message, of_clicks_only = draw(messages), draw(st.booleans())
    return lambda model: model.opt_out(message, of_clicks_only=of_clicks_only)


steps = st.lists(st.one_of(events(), events(), events(), opt_outs()), max_size=60)


def played(sent: Sequence[Mode | tuple[Mode, Mode]], happened: list[Step]) -> CampaignStats:
    """Feed steps to the oracle and return its statistics."""
    model = make_model(sent)
    for step in happened:
        step(model)
    return model.stats()


def test_repeats_count_in_totals_and_people_once() -> None:
    """Two opens by one person and one by another are three events of two people."""
    model = make_model([Mode.IDENTIFIED] * 4)
    for message in (0, 0, 2):
        model.record(message, 0, NOON, Verdict.HUMAN)
    stats = model.stats()
    assert stats.groups[0].opens.human.identified == Count(3, 2)
    assert stats.groups[1].opens.human.identified == Count(0, 0)
    assert stats.rates.open_rate.identified == 2 / 4


def test_clicks_on_two_links_are_one_person_of_the_group() -> None:
    """A person counts once per link, and once per group."""
    model = make_model([Mode.IDENTIFIED])
    for link in (1, 2):
        model.record(0, link, NOON, Verdict.HUMAN)
    stats = model.stats()
    assert stats.clicks.human.identified == Count(2, 1)
    assert [link.clicks.human.identified for link in stats.links] == [Count(1, 1)] * 2


def test_an_opt_out_moves_the_past_and_the_future() -> None:
    """Events before and after an opt-out count as anonymous events of one person."""
    model = make_model([Mode.IDENTIFIED])
    model.record(0, 0, NOON, Verdict.HUMAN)
    model.opt_out(0)
    model.record(0, 0, NOON, Verdict.HUMAN)
    human = model.stats().opens.human
    assert (human.identified, human.anonymous) == (Count(0, 0), Estimate(2, 1))
    assert model.engaged() == {}


def test_an_opt_out_of_clicks_leaves_opens_identified() -> None:
    """Clicks become aggregate, since the slot of the message is in the rows of its opens."""
    model = make_model([Mode.IDENTIFIED])
    for link in (0, 1):
        model.record(0, link, NOON, Verdict.HUMAN)
    model.opt_out(0, of_clicks_only=True)
    model.record(0, 1, NOON, Verdict.HUMAN)
    stats = model.stats()
    assert stats.opens.human.identified == Count(1, 1)
    assert stats.clicks.human.aggregate == Estimate(2)
    assert model.engaged() == {0: (1, 0)}


def test_purposes_that_differed_at_issue_have_slots_of_their_own() -> None:
    """Who refused clicks before the message is an anonymous person among those who clicked."""
    model = make_model([(Mode.IDENTIFIED, Mode.ANONYMOUS)])
    for link in (0, 1):
        model.record(0, link, NOON, Verdict.HUMAN)
    stats = model.stats()
    assert (stats.sent.identified, stats.clicks_sent.anonymous) == (1, 1)
    assert stats.clicks.human.anonymous == Estimate(1, 1)


def test_a_privacy_signal_counts_as_aggregate() -> None:
    """An identified event with a privacy signal is aggregate; an anonymous one stays anonymous."""
    model = make_model([Mode.IDENTIFIED, Mode.ANONYMOUS])
    for message in (0, 1):
        model.record(message, 0, NOON, Verdict.HUMAN, privacy_signal=True)
    north, south = model.stats().groups
    assert north.opens.human.aggregate == Estimate(1)
    assert south.opens.human.anonymous == Estimate(1, 1)


@given(sent=modes, happened=steps)
def test_no_event_is_lost(sent: list[tuple[Mode, Mode]], happened: list[Step]) -> None:
    """Exact counts add up to all events except those of OFF messages."""
    model = make_model(sent)
    recorded = 0

    class Counting(Model):
        def record(self, message: int, link: int, *args: object, **options: object) -> None:
            nonlocal recorded
            recorded += sent[message][link > 0] is not Mode.OFF
            super().record(message, link, *args, **options)  # type: ignore[arg-type]

    model.__class__ = Counting
    for step in happened:
        step(model)
    stats = model.stats()
    cells = [
        cell for signal in (stats.opens, stats.clicks) for cell in (signal.human, signal.machine)
    ]
    assert recorded == sum(
        count.total
        for cell in cells
        for count in (cell.identified, cell.anonymous, cell.aggregate)
        if count is not None
    )


@given(sent=modes, happened=steps)
def test_hours_add_up_to_the_total(sent: list[tuple[Mode, Mode]], happened: list[Step]) -> None:
    """Identified opens, and messages, per hour add up to those of the campaign."""
    stats = played(sent, happened)
    for part in ("human", "machine"):
        whole = getattr(stats.opens, part).identified
        counts = [getattr(hour.opens, part).identified for hour in stats.hours]
        assert sum(count.total for count in counts) == whole.total
        assert sum(count.unique for count in counts) == whole.unique
    assert sum(hour.sent.identified for hour in stats.hours) == stats.sent.identified


@given(
    happened=st.lists(events(signals=False), max_size=40),
    leaves=messages,
    of_clicks_only=st.booleans(),
)
def test_the_time_of_an_opt_out_does_not_change_exact_counts(
    happened: list[Step],
    leaves: int,
    of_clicks_only: bool,  # noqa: FBT001 - drawn
) -> None:
    """Without privacy signals, an opt-out at any time leaves the same event counts."""

    def opt_out(model: Model) -> None:
        model.opt_out(leaves, of_clicks_only=of_clicks_only)

    sent = [Mode.IDENTIFIED] * MESSAGES
    assert played(sent, [opt_out, *happened]) == played(sent, [*happened, opt_out])
