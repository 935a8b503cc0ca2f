"""Anonymization moves identified events to the anonymous numbers exactly."""

from datetime import UTC, datetime, timedelta

from hushpost_client import (
    AnonymizationProgress,
    Count,
    DoNotTrack,
    Event,
    Mode,
    PolicyUpdate,
    SignalStats,
    Verdict,
)
from tests.conftest import Clients
from tests.inspection import Connection, tenant_number
from tests.mailing import eventually, exact_count, send

NOTHING = Count(0, 0)


async def test_an_opt_out_moves_events_and_people_exactly(exact_clients: Clients) -> None:
    """An opt-out adds to the anonymous numbers exactly what it removes from the identified ones."""
    mailing = await send(exact_clients, ["ann", "bob"])
    early = datetime.now(UTC) - timedelta(hours=30)
    late = early + timedelta(hours=7)
    ann, bob = mailing.tokens["ann"], mailing.tokens["bob"]
    await exact_clients.edge.tracking.record_events(
        [
            Event(ann, event_time=early, verdict=Verdict.HUMAN),
            Event(ann, event_time=late, verdict=Verdict.PROXY),
            Event(ann, event_time=late, verdict=Verdict.SCANNER),
            Event(ann, link_number=1, event_time=late, verdict=Verdict.HUMAN),
            Event(ann, link_number=2, event_time=late, verdict=Verdict.UNKNOWN),
            Event(ann, link_number=2, event_time=late, verdict=Verdict.HUMAN),
            Event(bob, event_time=late, verdict=Verdict.HUMAN),
            Event(bob, link_number=2, event_time=late, verdict=Verdict.HUMAN),
        ]
    )
    before = await mailing.stats()
    assert before.opens.human.identified == Count(3, 2)
    assert before.clicks.human.identified == Count(4, 2)
    await exact_clients.sender.preferences.set_preference("ann", DoNotTrack.TRUE)
    after = await mailing.stats()
    assert (after.sent, after.groups[0].opens, after.groups[0].clicks) == (
        before.sent,
        after.opens,
        after.clicks,
    )
    assert _counts(after.opens) == [
        (Count(1, 1), Count(2, 1), NOTHING),
        (NOTHING, Count(1, 1), NOTHING),
    ]
    assert _counts(after.clicks)[0] == (Count(1, 1), Count(3, 1), NOTHING)
    assert [_counts(link.clicks)[0] for link in after.links] == [
        (NOTHING, Count(1, 1), NOTHING),
        (Count(1, 1), Count(2, 1), NOTHING),
    ]
    identified_by_hour = {
        hour.start_time: (hour.opens.human.identified, hour.clicks.human.identified)
        for hour in after.hours
        if hour.opens.human.identified.total or hour.clicks.human.identified.total
    }
    assert identified_by_hour == {_hour(late): (Count(1, 1), Count(1, 1))}
    assert _hour(early) not in {hour.start_time for hour in after.hours}, (
        "an hour without events is removed"
    )
    assert await mailing.engaged() == {"bob"}


async def test_anonymization_leaves_no_empty_slot_row(
    exact_clients: Clients, database: Connection
) -> None:
    """No row of slot bits without a bit remains: it would reveal that there had been events."""
    mailing = await send(exact_clients, ["ann"])
    await mailing.open("ann")
    tenant = await tenant_number(database, exact_clients.tenant_id)
    await exact_clients.sender.preferences.set_preference("ann", DoNotTrack.TRUE)
    modes = await database.fetch("select mode from slot_bits where tenant = $1", tenant)
    assert [mode for (mode,) in modes] == [12]


async def test_the_tenant_shows_the_progress_of_a_policy_job(
    exact_clients: Clients, database: Connection
) -> None:
    """GetTenant returns how many events the job covers and how many are anonymized so far."""
    first = await send(exact_clients, [f"a-{number}" for number in range(500)], "first")
    second = await send(exact_clients, [f"b-{number}" for number in range(20)], "second")
    for mailing in (first, second):
        events = [Event(token, verdict=Verdict.HUMAN) for token in mailing.tokens.values()]
        await exact_clients.edge.tracking.record_events([*events, events[0]])
    tenant = await tenant_number(database, exact_clients.tenant_id)
    admin = exact_clients.admin.admin
    last = await database.fetchval(
        "select campaign_id from campaigns where tenant = $1 order by campaign desc limit 1", tenant
    )
    async with database.transaction():
        # Lock the counters of the last campaign, so that the job stops halfway.
        await database.execute(
            "select from counters join campaigns using (tenant, campaign)"
            " where tenant = $1 and campaign_id = $2 for update of counters",
            tenant,
            last,
        )
        updated = await admin.update_policy(PolicyUpdate(mode_when_unset=Mode.ANONYMOUS))
        assert updated.anonymization is not None
        reported: list[AnonymizationProgress] = []

        async def is_half_done() -> bool:
            progress = (await admin.get_tenant()).anonymization
            assert progress is not None
            reported.append(progress)
            return progress.anonymized_count == (501 if last == "second" else 21)

        await eventually(is_half_done, "the first campaign is anonymized")
        assert reported[-1].total_count == 522
        assert reported[-1].start_time == updated.anonymization.start_time

    async def is_done() -> bool:
        return (await admin.get_tenant()).anonymization is None

    await eventually(is_done, "the policy's job ends")
    for mailing, people in ((first, 500), (second, 20)):
        opens = (await mailing.stats()).opens.human
        assert (opens.identified, exact_count(opens.anonymous)) == (
            NOTHING,
            Count(people + 1, people),
        )


def _counts(signal: SignalStats) -> list[tuple[Count, Count, Count]]:
    """Return (identified, anonymous, aggregate) of people and of machines."""
    return [
        (part.identified, exact_count(part.anonymous), exact_count(part.aggregate))
        for part in (signal.human, signal.machine)
    ]


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)
