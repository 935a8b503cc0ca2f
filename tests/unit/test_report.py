"""Reports of campaigns, built from stored numbers."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.cells import ANY_LINK, OPENS, SHARED, ReleasedCell
from hushpost_service.domain.consent import Purpose
from hushpost_service.domain.counters import Count
from hushpost_service.domain.estimates import Estimate
from hushpost_service.domain.mode_counts import Place, mode_scale
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.noise import margin
from hushpost_service.domain.release_plan import CountKind, ReleasePlan
from hushpost_service.stats.engagement import Engagement, Sent
from hushpost_service.stats.report import CampaignReport
from hushpost_service.stats.service import CampaignNumbers, Released
from hushpost_service.storage.campaigns import Campaign, Group, Link
from hushpost_service.storage.releases import ReleaseState, SentByCell
from hushpost_service.storage.stats import Cell, CellCounts, HourCell, SentMessages

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BIG, SMALL, TINY = 1, 2, 3
GROUPS = ("big", "small", "tiny")
SENT = {BIG: (400, 600), SMALL: (100, 200), TINY: (5, 15)}
"""Identified and anonymous messages of each group."""

HUMAN, MACHINE = False, True
HOUR = 490_000
PLAN = ReleasePlan(2.0, 4)
CAMPAIGN = Campaign(
    7,
    "spring",
    "",
    NOW,
    None,
    links=(Link("https://example.com/1", "", 1), Link("https://example.com/2", "second", 2)),
    groups=tuple(Group(group_id, Mode.IDENTIFIED) for group_id in GROUPS),
    max_mode=Mode.IDENTIFIED,
)
IDENTIFIED = CellCounts(
    {
        Cell(BIG, 0, HUMAN, Mode.IDENTIFIED): Count(150, 100),
        Cell(SMALL, 0, HUMAN, Mode.IDENTIFIED): Count(30, 20),
        Cell(TINY, 0, MACHINE, Mode.IDENTIFIED): Count(4, 4),
        Cell(BIG, 1, HUMAN, Mode.IDENTIFIED): Count(50, 40),
        Cell(0, 1, HUMAN, Mode.IDENTIFIED): Count(30, 30),
        Cell(0, 2, HUMAN, Mode.IDENTIFIED): Count(20, 15),
    },
    {
        HourCell(HOUR, 0, HUMAN, Mode.IDENTIFIED): Count(100, 90),
        HourCell(HOUR + 1, 0, HUMAN, Mode.IDENTIFIED): Count(80, 30),
        HourCell(HOUR + 1, 1, HUMAN, Mode.IDENTIFIED): Count(50, 40),
        HourCell(HOUR + 1, 0, MACHINE, Mode.IDENTIFIED): Count(4, 4),
    },
)


def numbers(
    *, released: Released | None = None, exact: dict[Cell, Count] | None = None
) -> CampaignNumbers:
    """Return the numbers of a campaign with three groups and two links."""
    state = ReleaseState(
        is_exact=exact is not None,
        epsilon=PLAN.epsilon,
        dates=PLAN.dates,
        next_time=NOW,
        last=None if released is None else PLAN.dates - 1,
        last_time=None if released is None else NOW,
    )
    sent = [
        SentMessages(group, purpose, mode, HOUR, messages)
        for group, by_mode in SENT.items()
        for mode, messages in zip((Mode.IDENTIFIED, Mode.ANONYMOUS), by_mode, strict=True)
        for purpose in Purpose
    ]
    return CampaignNumbers(CAMPAIGN, state, sent, IDENTIFIED, exact, released)


def release(
    opens: dict[int, int],
    clicks: dict[int, int],
    links: dict[int, int],
    events: int = 0,
    modes: dict[Place, int] | None = None,
) -> Released:
    """Return a release of human numbers by cell; each AGGREGATE number is `events`.

    `modes` replaces numbers of messages by mode.
    """
    counts = {}
    for signal, by_cell in ((OPENS, opens), (ANY_LINK, clicks)):
        for cell, people in by_cell.items():
            counts[ReleasedCell(cell, signal, HUMAN, Mode.ANONYMOUS)] = people
    for link, people in links.items():
        counts[ReleasedCell(SHARED, link, HUMAN, Mode.ANONYMOUS)] = people
    counts |= {place._replace(mode=Mode.AGGREGATE): events for place in counts}
    counts |= {place._replace(machine=True): 0 for place in counts}
    sent = {
        (cell, purpose, mode): messages
        for cell, mode, messages in (
            (BIG, Mode.IDENTIFIED, 400),
            (BIG, Mode.ANONYMOUS, 600),
            (SHARED, Mode.IDENTIFIED, 105),
            (SHARED, Mode.ANONYMOUS, 215),
        )
        for purpose in Purpose
    }
    return Released(counts, SentByCell(sent | (modes or {}), {BIG: 1_000, SHARED: 320}))


def released_report(
    opens: dict[int, int] | None = None,
    clicks: dict[int, int] | None = None,
    links: dict[int, int] | None = None,
) -> CampaignReport:
    """Return a report after the last release."""
    return CampaignReport(
        numbers(
            released=release(
                opens or {BIG: 240, SHARED: 80},
                clicks or {BIG: 30, SHARED: 12},
                links or {1: 25, 2: 9},
            )
        )
    )


def reach(kind: CountKind, cells: int = 1) -> int:
    """Return the margin of the sum of human numbers at the last date."""
    return margin([PLAN.scale(PLAN.dates - 1, kind, machine=False)] * cells)


def mode_margin(cells: int = 1) -> int:
    """Return the margin of messages by mode."""
    return margin([mode_scale(PLAN.epsilon)] * cells)


def test_a_large_group_has_its_own_numbers_and_the_others_share_theirs() -> None:
    """Groups with a cell have estimates; those without are reported together."""
    report = released_report()
    big, small, tiny = report.groups
    assert big.opens.human.anonymous == Estimate(240, reach(CountKind.OPENS))
    assert big.opens.human.combined == Estimate(340, reach(CountKind.OPENS))
    assert big.clicks.human.anonymous == Estimate(30, reach(CountKind.CLICKERS))
    assert big.sent == Sent(1_000, identified=400, anonymous=600, margin=mode_margin())
    for group in (small, tiny):
        assert group.opens.human.anonymous is None
        assert group.opens.human.combined is None
    assert small.opens.human.identified == Count(30, 20)
    assert tiny.sent == Sent(20)
    others = report.other_groups
    assert others is not None
    assert others.sent == Sent(320, identified=105, anonymous=215, margin=mode_margin())
    assert others.opens.human.identified == Count(30, 20)
    assert others.opens.machine.identified == Count(4, 4)
    assert others.opens.human.combined == Estimate(100, reach(CountKind.OPENS))


def test_the_campaign_is_the_sum_of_its_cells() -> None:
    """Numbers of the campaign are sums over cells, with the margin of the sum."""
    report = released_report()
    assert report.total.sent == Sent(1_320, identified=505, anonymous=815, margin=mode_margin(2))
    assert report.total.opens.human.identified == Count(180, 120)
    assert report.total.clicks.human.identified == Count(50, 40)
    assert report.total.opens.human.anonymous == Estimate(320, reach(CountKind.OPENS, 2))
    assert report.total.opens.human.combined == Estimate(440, reach(CountKind.OPENS, 2))
    assert report.total.rates.open_rate.combined == pytest.approx(440 / 1_320)
    assert report.release.epsilon == PLAN.epsilon
    assert reach(CountKind.OPENS) < reach(CountKind.OPENS, 2) < 2 * reach(CountKind.OPENS)


def test_the_links_of_a_campaign_are_counted_for_all_groups() -> None:
    """Links have one number each, with their own margin."""
    first, second = released_report().links
    assert first.clicks.human.identified == Count(30, 30)
    assert first.clicks.human.anonymous == Estimate(25, reach(CountKind.LINKS))
    assert second.clicks.human.combined == Estimate(24, reach(CountKind.LINKS))
    assert second.clicks.human.anonymous == Estimate(9, reach(CountKind.LINKS), is_noise=True)
    assert (second.number, second.label) == (2, "second")


def test_sums_are_clamped_after_adding() -> None:
    """A negative part lowers the sum, because the noise of parts cancels out in it."""
    report = released_report(opens={BIG: -8, SHARED: 80})
    assert report.groups[0].opens.human.anonymous == Estimate(
        0, reach(CountKind.OPENS), is_noise=True
    )
    assert report.total.opens.human.anonymous == Estimate(72, reach(CountKind.OPENS, 2))


@given(st.dictionaries(st.sampled_from([BIG, SHARED]), st.integers(-500, 5_000), min_size=2))
def test_no_group_has_more_people_than_messages(opens: dict[int, int]) -> None:
    """People are at most the messages that can cause events, in each group and in all."""
    report = released_report(opens=opens)
    others = report.other_groups
    assert others is not None
    for part in (report.total, report.groups[0], others):
        combined = part.opens.human.combined
        assert combined is not None
        assert part.opens.human.identified.unique <= combined.value <= part.sent.trackable
        assert part.rates.open_rate.combined <= 1


def test_identified_opens_do_not_move_an_anonymous_number() -> None:
    """The limit of an anonymous number is that of its release; only `combined` is live."""
    released = release({BIG: 990, SHARED: 80}, {BIG: 0, SHARED: 0}, {1: 0, 2: 0})
    before = numbers(released=released)
    opened = {**IDENTIFIED.cells, Cell(BIG, 0, HUMAN, Mode.IDENTIFIED): Count(800, 400)}
    more = SentMessages(BIG, Purpose.OPENS, Mode.IDENTIFIED, HOUR, 50)
    after = replace(
        before, identified=CellCounts(opened, IDENTIFIED.hours), sent=[*before.sent, more]
    )
    first, second = CampaignReport(before), CampaignReport(after)
    assert second.total.opens.human.anonymous == first.total.opens.human.anonymous
    for old, new in zip(first.groups, second.groups, strict=True):
        assert new.opens.human.anonymous == old.opens.human.anonymous
    assert second.groups[0].opens.human.anonymous == Estimate(990, reach(CountKind.OPENS))
    # 400 + 990 people, but 1,050 messages.
    assert second.groups[0].opens.human.combined == Estimate(1_050, reach(CountKind.OPENS))


def test_messages_by_mode_add_up_and_are_not_negative() -> None:
    """Noise is corrected by what is known: the messages that had been sent."""
    noisy = {(BIG, Purpose.OPENS, Mode.AGGREGATE): -6, (BIG, Purpose.OPENS, Mode.OFF): 6}
    released = release({BIG: 0, SHARED: 0}, {BIG: 0, SHARED: 0}, {1: 0, 2: 0}, modes=noisy)
    sent = CampaignReport(numbers(released=released)).groups[0].sent
    assert sent == Sent(
        1_000, identified=398, anonymous=598, aggregate=0, off=4, margin=mode_margin()
    )


@pytest.mark.parametrize(("off", "trackable"), [(mode_margin(), 1_000), (300, 700)])
def test_messages_without_tracking_do_not_count_unless_they_may_be_noise(
    off: int, trackable: int
) -> None:
    """Rates are of the other messages."""
    modes = {(BIG, Purpose.OPENS, mode): 0 for mode in Mode}
    modes |= {
        (BIG, Purpose.OPENS, Mode.ANONYMOUS): 1_000 - off,
        (BIG, Purpose.OPENS, Mode.OFF): off,
    }
    released = release({BIG: 100, SHARED: 0}, {BIG: 0, SHARED: 0}, {1: 0, 2: 0}, modes=modes)
    big = CampaignReport(numbers(released=released)).groups[0]
    assert big.sent.trackable == trackable
    assert big.rates.open_rate.anonymous == pytest.approx(100 / trackable)


def test_aggregate_events_are_estimates_without_a_limit() -> None:
    """One person can cause several events, so there may be more than messages."""
    released = release({BIG: 0, SHARED: 0}, {BIG: 0, SHARED: 0}, {1: 0, 2: 0}, events=9_000)
    report = CampaignReport(numbers(released=released))
    assert report.total.opens.human.aggregate == Estimate(18_000, reach(CountKind.OPENS, 2))
    assert report.links[0].clicks.human.aggregate == Estimate(9_000, reach(CountKind.LINKS))


def test_before_the_first_release_only_identified_numbers_are_known() -> None:
    """No estimate is shown, and neither are messages by mode."""
    report = CampaignReport(numbers())
    assert report.total.opens.human == Engagement(Count(180, 120))
    assert report.links[0].clicks.human == Engagement(Count(30, 30))
    assert report.total.sent == Sent(1_320)
    assert report.groups[1].sent == Sent(300)
    assert report.other_groups is None
    assert report.total.rates.open_rate.combined == pytest.approx(120 / 1_320)
    assert report.total.rates.open_rate.margin == 0
    assert (report.release.release_time, report.release.next_release_time) == (None, NOW)


def test_hours_have_identified_numbers_only() -> None:
    """Anonymous events have no time; messages by hour have no mode."""
    first, second = released_report().hours
    assert (first.hour, first.sent) == (HOUR, Sent(1_320))
    assert first.opens.human == Engagement(Count(100, 90))
    assert (second.hour, second.sent) == (HOUR + 1, Sent())
    assert second.clicks.human == Engagement(Count(50, 40))
    assert second.opens.machine == Engagement(Count(4, 4))


def test_exact_numbers_are_shown_for_each_group() -> None:
    """EXACT campaigns have live numbers without margins, also of the smallest group."""
    exact = {
        Cell(BIG, 0, HUMAN, Mode.ANONYMOUS): Count(300, 200),
        Cell(TINY, 0, HUMAN, Mode.ANONYMOUS): Count(2, 1),
        Cell(TINY, 1, HUMAN, Mode.ANONYMOUS): Count(1, 1),
        Cell(SMALL, 0, HUMAN, Mode.AGGREGATE): Count(8, 0),
        Cell(0, 2, HUMAN, Mode.ANONYMOUS): Count(1, 1),
    }
    report = CampaignReport(numbers(exact=exact))
    big, small, tiny = report.groups
    assert report.other_groups is None
    assert report.release.is_exact
    assert report.release.epsilon == 0
    assert (tiny.opens.human.anonymous, tiny.opens.human.anonymous_total) == (Estimate(1), 2)
    assert big.opens.human.combined == Estimate(300)
    assert small.opens.human.aggregate == Estimate(8)
    assert tiny.sent == Sent(20, identified=5, anonymous=15)
    assert report.total.opens.human.anonymous == Estimate(201)
    assert report.links[1].clicks.human.anonymous == Estimate(1)
    assert report.links[0].clicks.human.anonymous == Estimate(0)
    assert report.hours[0].sent == Sent(1_320, identified=505, anonymous=815)
