"""The oracle that predicts statistics."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hushpost_client import CampaignStats, Count, Mode, NewLink, Verdict
from tests.simulation.oracle import Model

NOON = datetime(2025, 3, 21, 12, 0, tzinfo=UTC)
LINKS = (NewLink("https://a.example.com/", label="a"), NewLink("https://b.example.com/", label="b"))
GROUPS = ("north", "south")
MESSAGES = 6

Step = Callable[[Model], None]


def make_model(quorum: int, modes: list[Mode]) -> Model:
    """Messages to two groups in turn."""
    model = Model("c", LINKS, GROUPS, quorum)
    for number, mode in enumerate(modes):
        model.send(GROUPS[number % 2], mode, NOON)
    return model


modes = st.lists(st.sampled_from([*Mode][1:]), min_size=MESSAGES, max_size=MESSAGES)
quorums = st.integers(1, 5)
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
    """A contact opts out."""
    message = draw(messages)
    return lambda model: model.opt_out(message)


steps = st.lists(st.one_of(events(), events(), events(), opt_outs()), max_size=60)


def played(quorum: int, sent: list[Mode], happened: list[Step]) -> CampaignStats:
    """Feed steps to the oracle and return its statistics."""
    model = make_model(quorum, sent)
    for step in happened:
        step(model)
    return model.stats(NOON)


def test_repeats_count_in_totals_and_people_once() -> None:
    """Two opens by one person and one by another are three events of two people."""
    model = make_model(10, [Mode.IDENTIFIED] * 4)
    for message in (0, 0, 2):
        model.record(message, 0, NOON, Verdict.HUMAN)
    stats = model.stats(NOON)
    assert stats.groups[0].opens.human.identified == Count(3, 2)
    assert stats.groups[1].opens.human.identified == Count(0, 0)
    assert stats.rates.open_rate.identified == 2 / 4


def test_clicks_on_two_links_are_one_person_of_the_group() -> None:
    """A person counts once per link, and once per group."""
    model = make_model(10, [Mode.IDENTIFIED])
    for link in (1, 2):
        model.record(0, link, NOON, Verdict.HUMAN)
    stats = model.stats(NOON)
    assert stats.clicks.human.identified == Count(2, 1)
    assert [link.clicks.human.identified for link in stats.links] == [Count(1, 1)] * 2


def test_an_opt_out_moves_the_past_and_the_future() -> None:
    """Events before and after an opt-out count as anonymous events of one person."""
    model = make_model(1, [Mode.IDENTIFIED])
    model.record(0, 0, NOON, Verdict.HUMAN)
    model.opt_out(0)
    model.record(0, 0, NOON, Verdict.HUMAN)
    human = model.stats(NOON).opens.human
    assert (human.identified, human.anonymous) == (Count(0, 0), Count(2, 1))
    assert model.engaged() == {}


def test_a_privacy_signal_counts_as_aggregate() -> None:
    """An identified event with a privacy signal is aggregate; an anonymous one stays anonymous."""
    model = make_model(1, [Mode.IDENTIFIED, Mode.ANONYMOUS])
    for message in (0, 1):
        model.record(message, 0, NOON, Verdict.HUMAN, privacy_signal=True)
    north, south = model.stats(NOON).groups
    assert north.opens.human.aggregate == Count(1, 0)
    assert south.opens.human.anonymous == Count(1, 1)


def test_below_the_quorum_nothing_is_published() -> None:
    """With a quorum of three, two people are not published and three are."""
    model = make_model(3, [Mode.ANONYMOUS] * 6)
    for message in (0, 2, 4, 1, 3):
        model.record(message, 0, NOON, Verdict.HUMAN)
    stats = model.stats(NOON)
    assert [group.opens.human.anonymous for group in stats.groups] == [Count(3, 3), Count(0, 0)]
    assert stats.opens.human.anonymous == Count(3, 3)
    assert model.held_back() == 2


@given(sent=modes, happened=steps)
def test_nothing_is_lost_with_a_quorum_of_one(sent: list[Mode], happened: list[Step]) -> None:
    """Exact counts add up to all events except those of OFF messages."""
    model = make_model(1, sent)
    recorded = 0

    class Counting(Model):
        def record(self, message: int, *args: object, **options: object) -> None:
            nonlocal recorded
            recorded += sent[message] is not Mode.OFF
            super().record(message, *args, **options)  # type: ignore[arg-type]

    model.__class__ = Counting
    for step in happened:
        step(model)
    stats = model.stats(NOON)
    cells = [
        cell for signal in (stats.opens, stats.clicks) for cell in (signal.human, signal.machine)
    ]
    assert recorded == sum(
        count.total for cell in cells for count in (cell.identified, cell.anonymous, cell.aggregate)
    )


@given(quorum=quorums, sent=modes, happened=steps)
def test_published_people_are_as_many_as_the_quorum_or_none(
    quorum: int, sent: list[Mode], happened: list[Step]
) -> None:
    """No cell shows fewer people than the quorum, or people without events."""
    stats = played(quorum, sent, happened)
    signals = [
        *(signal for group in stats.groups for signal in (group.opens, group.clicks)),
        *(link.clicks for link in stats.links),
    ]
    for signal in signals:
        for cell in (signal.human, signal.machine):
            assert cell.anonymous.unique == 0 or cell.anonymous.unique >= quorum
            assert cell.anonymous.total >= cell.anonymous.unique
            assert cell.aggregate.total == 0 or cell.aggregate.total >= quorum


@given(quorum=quorums, sent=modes, happened=steps)
def test_hours_add_up_to_the_total(quorum: int, sent: list[Mode], happened: list[Step]) -> None:
    """Opens and messages per hour add up to those of the campaign."""
    stats = played(quorum, sent, happened)
    for part in ("human", "machine"):
        whole = getattr(stats.opens, part)
        hours = [getattr(hour.opens, part) for hour in stats.hours]
        for mode in ("identified", "anonymous", "aggregate"):
            counts = [getattr(hour, mode) for hour in hours]
            assert sum(count.total for count in counts) == getattr(whole, mode).total
            assert sum(count.unique for count in counts) == getattr(whole, mode).unique
    assert sum(hour.sent.identified for hour in stats.hours) == stats.sent.identified


@given(happened=st.lists(events(signals=False), max_size=40), leaves=messages)
def test_the_time_of_an_opt_out_does_not_change_exact_counts(
    happened: list[Step], leaves: int
) -> None:
    """Without privacy signals, an opt-out at any time leaves the same event counts."""

    def opt_out(model: Model) -> None:
        model.opt_out(leaves)

    sent = [Mode.IDENTIFIED] * MESSAGES
    assert played(1, sent, [opt_out, *happened]) == played(1, sent, [*happened, opt_out])


def test_anonymized_events_have_a_separate_quorum() -> None:
    """Anonymized people and always-anonymous people have separate quorums."""
    model = make_model(2, [Mode.IDENTIFIED, Mode.OFF] * 3)
    for message in (0, 2):
        model.record(message, 0, NOON, Verdict.HUMAN)
        model.opt_out(message)
    model.opt_out(4)
    model.record(4, 0, NOON, Verdict.HUMAN)
    assert model.stats(NOON).opens.human.anonymous == Count(2, 2)


def test_a_link_counts_clicks_of_groups_that_publish() -> None:
    """A group below the quorum adds nothing to a link."""
    model = make_model(2, [Mode.ANONYMOUS] * 6)
    for message in (0, 2, 1):
        model.record(message, 1, NOON, Verdict.HUMAN)
    stats = model.stats(NOON)
    assert stats.links[0].clicks.human.anonymous == Count(2, 2)
    model.record(3, 1, NOON, Verdict.HUMAN)
    assert [link.clicks.human.anonymous.unique for link in model.stats(NOON).links] == [4, 0]
