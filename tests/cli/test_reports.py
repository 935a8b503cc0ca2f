"""`hushpost stats` and `hushpost campaigns` against a real authority."""

import asyncio
import csv
import json
import signal
from contextlib import AsyncExitStack, aclosing
from dataclasses import fields
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest

from hushpost_client import (
    CampaignStats,
    DoNotTrack,
    EngagementStats,
    Mode,
    NewLink,
    PolicyUpdate,
    Release,
    Verdict,
)
from tests.authority import HUSHPOST
from tests.conftest import Clients, RunningAuthority, TenantKeys, make_tenant
from tests.mailing import URLS, Mailing, clients_of, send

SOON = (timedelta(seconds=1), timedelta(days=300))
SECONDS = 30
DASH = "\N{EN DASH}"


@pytest.fixture
def report(hushpost: Any, authority: Any, tenant: Any) -> Any:
    """Run a command with a REPORTER key of the tenant."""

    async def run(*arguments: str, key: str = tenant.reporter_key) -> Any:
        return await hushpost(*arguments, "--authority", authority.target, key=key)

    return run


@pytest.fixture
async def mailing(clients: Clients) -> Mailing:
    """A campaign with exact counts: ann opened twice and clicked, and a machine opened bob's."""
    await clients.admin.admin.update_policy(PolicyUpdate(release=Release.EXACT))
    sent = await send(clients, ["ann", "bob"])
    await sent.open("ann", "ann")
    await sent.click("ann", link=2)
    await sent.open("bob", verdict=Verdict.PREFETCH)
    return sent


def _lines(table: str) -> list[list[str]]:
    """Return the words of each line."""
    return [line.split() for line in table.splitlines()]


async def test_tables_have_totals_groups_and_links(report: Any, mailing: Mailing) -> None:
    """Exact numbers have neither margins nor footnotes."""
    done = await report("stats", mailing.campaign_id)
    assert (done.code, done.err) == (0, "")
    lines = _lines(done.out)
    assert done.out.startswith("spring: 2 messages sent\nAll numbers are exact and live.\n")
    assert ["opens", "by", "people", "1", "1", "2", "0", "0"] in lines
    assert ["opens", "by", "machines", "1", "1", "1", "0", "0"] in lines
    assert ["clicks", "by", "people", "1", "1", "1", "0", "0"] in lines
    assert "open rate 50.0%, click-through rate 50.0%, click-to-open rate 100.0%" in done.out
    assert ["readers", "2", "1", "1", "50.0%", "50.0%"] in lines
    assert ["1", URLS[0], "0", "0"] in lines
    assert ["2", URLS[1], "1", "0"] in lines
    assert not {"±", "*"} & set(done.out)


def _cell(engagement: EngagementStats) -> list[str]:
    people = engagement.combined
    assert people is not None
    number = "noise" if people.is_noise else f"{people.unique:,}"
    return [number, f"±{people.margin:,}"]


async def test_numbers_with_noise_have_margins(hushpost: Any, authority: RunningAuthority) -> None:
    """Before the release, identified people are marked; after it, estimates have margins."""
    policy = PolicyUpdate(mode_when_unset=Mode.ANONYMOUS, release_delays=SOON)
    async with AsyncExitStack() as stack:
        keys = await make_tenant(authority, policy)
        clients = await clients_of(stack, authority, keys=keys)

        async def stats() -> str:
            done = await hushpost(
                "stats", "spring", "--authority", authority.target, key=keys.reporter_key
            )
            assert (done.code, done.err) == (0, "")
            return str(done.out)

        await clients.sender.preferences.set_preference("known", DoNotTrack.FALSE)
        await clients.sender.campaigns.create_campaign("spring", links=URLS, groups=["readers"])
        before = await stats()
        assert "not released yet; privacy budget ε = 2." in before
        assert ["readers", "0", "0*", "0*", DASH, DASH] in _lines(before)
        assert "*: identified people only" in before
        assert "±" not in before
        names = ["known", *(f"contact-{number}" for number in range(200))]
        issued = await clients.sender.campaigns.issue_tokens("spring", "readers", names)
        for message in issued.tokens[:50]:
            assert message.token
            await clients.edge.tracking.record_open(message.token)
        known = issued.tokens[0].token
        assert known
        await clients.edge.tracking.record_open(known, verdict=Verdict.PREFETCH)
        watching = clients.reporter.stats.watch_campaign_stats("spring")
        async with aclosing(watching) as reports:
            async for released in reports:
                if released.release.release_time is not None:
                    break
        lines = _lines(await stats())
    assert ["opens", "by", "people", *_cell(released.opens.human)] in [line[:5] for line in lines]
    # One machine is known. The noise of the others is within its margin in 95% of all cases.
    machines = released.opens.machine.combined
    assert machines is not None
    cell = _cell(released.opens.machine)
    if machines.is_noise:
        cell = ["1", "to", f"{machines.unique + machines.margin:,}"]
    assert ["opens", "by", "machines", *cell] in [line[: 3 + len(cell)] for line in lines]
    others = released.other_groups
    assert others is not None
    words = ["(groups", "with", "*,", "together)", "201"]
    row = next(line for line in lines if line[: len(words)] == words)
    assert row[len(words) : len(words) + 4] == [
        *_cell(others.opens.human),
        *_cell(others.clicks.human),
    ]
    margin = f"±{others.rates.open_rate.margin:.1%}"
    assert row[len(words) + 4 :][:2] == [f"{others.rates.open_rate.combined:.1%}", margin]


async def test_json_has_the_names_of_the_client(report: Any, mailing: Mailing) -> None:
    """The JSON has every number, and times in UTC."""
    done = await report("stats", mailing.campaign_id, "--json")
    printed, stats = json.loads(done.out), await mailing.stats()
    assert list(printed) == [field.name for field in fields(CampaignStats)]
    assert printed["opens"]["human"]["identified"] == {"total": 2, "unique": 1}
    assert printed["groups"][0]["rates"]["open_rate"]["combined"] == 0.5
    assert printed["links"][1]["url"] == URLS[1]
    assert printed["hours"][0]["start_time"] == f"{stats.hours[0].start_time:%Y-%m-%dT%H:%M:%SZ}"
    assert printed["other_groups"] is None


def _at(document: Any, path: str) -> str:
    """Return a value of a JSON document as a cell."""
    for name in path.split("."):
        document = document.get(name) if document else None
    if document is None:
        return ""
    return json.dumps(document) if isinstance(document, bool) else str(document)


async def test_csv_has_the_numbers_of_the_json(
    report: Any, clients: Clients, mailing: Mailing
) -> None:
    """Each row has the numbers of its part under their paths; labels are no formulas."""
    await clients.sender.campaigns.extend_campaign(
        mailing.campaign_id, links=[NewLink(URLS[0], label="=1+1")]
    )
    document = json.loads((await report("stats", mailing.campaign_id, "--json")).out)
    done = await report("stats", mailing.campaign_id, "--csv")
    rows = list(csv.DictReader(StringIO(done.out)))
    parts = [document, *document["groups"], *document["links"], *document["hours"]]
    assert [row["row"] for row in rows] == ["campaign", "group", *["link"] * 3, "hour"]
    assert rows[4]["label"] == "'=1+1"
    for row, part in zip(rows, parts, strict=True):
        assert row["campaign_id"] == mailing.campaign_id
        names = set(row) - {"row", "campaign_id", "label"}
        assert {name: row[name] for name in names} == {name: _at(part, name) for name in names}
    assert rows[0]["opens.human.combined.is_noise"] == "false"
    assert rows[1]["clicks.human.identified.unique"] == "1"


async def test_csv_has_no_modes_before_they_are_released(report: Any, clients: Clients) -> None:
    """An empty cell instead of 0, which would say that no one is identified."""
    await send(clients, ["ann", "bob"])
    rows = list(csv.DictReader(StringIO((await report("stats", "spring", "--csv")).out)))
    assert [row["row"] for row in rows] == ["campaign", "group", "link", "link", "hour"]
    for row in (*rows[:2], rows[-1]):
        assert row["sent.total"] == "2"
        modes = ("identified", "anonymous", "aggregate", "off", "margin")
        assert {row[f"sent.{mode}"] for mode in modes} == {""}
        assert {row[f"clicks_sent.{mode}"] for mode in modes} == {""}


async def test_watch_prints_every_change_until_it_is_interrupted(
    authority: RunningAuthority, tenant: TenantKeys, mailing: Mailing
) -> None:
    """With --json, each report is a line; SIGINT ends the command silently with code 130."""
    process = await asyncio.create_subprocess_exec(
        *(HUSHPOST, "stats", mailing.campaign_id, "--watch", "--json"),
        *("--authority", authority.target),
        env={"HUSHPOST_API_KEY": tenant.reporter_key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        for total in (2, 3, 4):
            line = await asyncio.wait_for(process.stdout.readline(), SECONDS)
            assert json.loads(line)["opens"]["human"]["identified"]["total"] == total
            await mailing.open("ann")
        process.send_signal(signal.SIGINT)
        rest, errors = await asyncio.wait_for(process.communicate(), SECONDS)
        assert len(rest.splitlines()) <= 1
        assert (process.returncode, errors) == (130, b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_texts_do_not_control_the_terminal(report: Any, clients: Clients) -> None:
    """Control characters are replaced, and markup is printed as it is."""
    name, label = "\x1b[31mSpring\r", "\x1b]0;x\x07"
    await clients.sender.campaigns.create_campaign(
        "[bold]c", display_name=name, links=[NewLink(URLS[0], label=label)], groups=["[red]g"]
    )
    listed, stats = await report("campaigns"), await report("stats", "[bold]c")
    for done in (listed, stats):
        assert done.code == 0
        assert "[bold]c" in done.out
        assert not {"\x1b", "\r", "\x07"} & set(done.out)
    assert "\ufffd[31mSpring\ufffd" in listed.out
    assert "[red]g" in stats.out


async def test_campaigns_are_listed_the_newest_first(
    report: Any, tenant: TenantKeys, clients: Clients
) -> None:
    """As a table and as JSON; a limit leaves out the oldest."""
    campaigns = clients.sender.campaigns
    for number in (1, 2, 3):
        await campaigns.create_campaign(f"c-{number}", display_name=f"Number {number}")
    closed = await campaigns.close_campaign("c-2")
    done = await report("campaigns", key=tenant.sender_key)
    assert (done.code, done.err) == (0, "")
    rows = [line for line in _lines(done.out) if line and line[0].startswith("c-")]
    assert [row[:3] for row in rows] == [[f"c-{n}", "Number", str(n)] for n in (3, 2, 1)]
    assert [len(row) for row in rows] == [5, 7, 5]
    assert closed.close_time is not None
    assert " ".join(rows[1][5:]) == f"{closed.close_time:%Y-%m-%d %H:%M}"
    listed = json.loads((await report("campaigns", "--json", "--limit", "2")).out)
    assert [campaign["campaign_id"] for campaign in listed] == ["c-3", "c-2"]
    created = f"{closed.create_time.isoformat().removesuffix('+00:00')}Z"
    assert listed[1]["create_time"] == created
    assert (listed[0]["close_time"], listed[0]["max_mode"]) == (None, "IDENTIFIED")


async def test_campaigns_are_filtered_and_sorted(report: Any, clients: Clients) -> None:
    """By a text in the id or name, in any case, and by name or time."""
    for campaign_id, name in (("c-1", "Zoo"), ("c-2", "apple"), ("zoo-3", None)):
        await clients.sender.campaigns.create_campaign(campaign_id, display_name=name)

    async def listed(*options: str) -> list[str]:
        done = await report("campaigns", "--json", *options)
        return [campaign["campaign_id"] for campaign in json.loads(done.out)]

    assert await listed("--filter", "ZOO") == ["zoo-3", "c-1"]
    assert await listed("--sort", "name") == ["c-2", "c-1", "zoo-3"]
    assert await listed("--sort", "oldest", "--limit", "2") == ["c-1", "c-2"]
    assert (await report("campaigns", "--sort", "size")).code == 2


async def test_a_tenant_without_campaigns_has_an_empty_list(report: Any) -> None:
    """The table has a heading only, the JSON is an empty array."""
    assert len((await report("campaigns")).out.split("\n")[1:-2]) == 2
    assert json.loads((await report("campaigns", "--json")).out) == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["stats", "nonsense"], 6, "there is no such campaign"),
        (["stats", "nonsense", "--watch"], 6, "there is no such campaign"),
        (["stats", "spring", "--tenant", "other"], 5, "tenant"),
        (["stats", "spring", "--csv", "--watch"], 2, "--csv can't be combined"),
        (["stats", "spring", "--csv", "--json"], 2, "--csv can't be combined"),
    ],
    ids=str,
)
async def test_errors_are_one_line(
    report: Any, arguments: list[str], code: int, message: str
) -> None:
    """The message says what is wrong, the exit code whose fault it is."""
    done = await report(*arguments)
    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1)
    assert message in done.err


async def test_stats_need_a_reporter_key(report: Any, tenant: TenantKeys, mailing: Mailing) -> None:
    """Another role is rejected."""
    done = await report("stats", mailing.campaign_id, key=tenant.sender_key)
    assert (done.code, done.out) == (5, "")
    assert "SENDER" in done.err
