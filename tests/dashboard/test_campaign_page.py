"""The page of a campaign: what it shows, its lists, its exports and the picture."""

import csv
import json
from contextlib import AsyncExitStack
from datetime import timedelta
from io import StringIO

import pytest

from hushpost_client import DoNotTrack, Mode, NewLink, PolicyUpdate, Release, Verdict
from hushpost_dashboard.campaign_address import campaign_path
from tests.conftest import Clients, RunningAuthority, make_tenant
from tests.mailing import Mailing, clients_of, send

from .dashboard_process import DashboardProcess
from .visitor import Visitor, document, text_of

SCRIPT = "<script>alert(1)</script>"
MESSAGE = """<html><head><style>p { color: green }</style><meta http-equiv=refresh content=1></head>
<body onload=alert(1)><p>Spring</p><a href="https://shop.example.com/sale">Sale</a>
<script>alert(1)</script><img src="https://evil.example/pixel.gif"></body></html>"""


@pytest.fixture
async def mailing(clients: Clients) -> Mailing:
    """A campaign with exact counts: ann opened twice and clicked, and a machine opened bob's."""
    await clients.admin.admin.update_policy(PolicyUpdate(release=Release.EXACT))
    sent = await send(clients, ["ann", "bob"])
    await sent.open("ann", "ann")
    await sent.click("ann", link=2)
    await sent.open("bob", verdict=Verdict.PREFETCH)
    return sent


async def test_people_come_first_and_machines_are_apart(
    reporter: Visitor, mailing: Mailing
) -> None:
    """One person opened, however often; the machine is none."""
    page = document(await reporter.get("/campaigns/spring"))
    tiles = [" ".join(tile.text(separator=" ").split()) for tile in page.css(".tile")]
    assert tiles[0].startswith("Messages sent 2 2 identified")
    assert tiles[1].startswith("People who opened 1 1 identified")
    assert tiles[2].startswith("People who clicked 1 1 identified")
    assert [tile.split(" ")[:5] for tile in tiles[3:]] == [
        ["Open", "rate", "50.0%", "opened", "÷"],
        ["Click-through", "rate", "50.0%", "clicked", "÷"],
        ["Click-to-open", "rate", "100.0%", "clicked", "÷"],
    ]
    machines = page.css_first("#part-machines")
    assert machines is not None
    assert "Programs opened 1 and clicked in 0 messages" in machines.text()


async def test_charts_have_the_numbers_of_the_tables(reporter: Visitor, mailing: Mailing) -> None:
    """The data of each chart is a document that is not a script."""
    page = document(await reporter.get("/campaigns/spring"))
    blocks = {str(each.attributes["id"]): each for each in page.css("script[type]") if each.id}
    people = json.loads(blocks["data-people"].text())
    assert people["identified"] == [1, 1, 1, 0]
    assert people["low"] == people["high"] == [1, 1, 1, 0]
    time = json.loads(blocks["data-time"].text())
    assert (time["unit"], sum(time["opens"]), sum(time["clicks"])) == ("hour", 1, 1)
    assert not [
        each
        for each in page.css("script:not([src])")
        if each.attributes.get("type") != "application/json"
    ]
    assert not page.css("[style], [onclick], style")


async def test_estimates_have_margins_and_the_next_release(
    authority: RunningAuthority, dashboard: DashboardProcess
) -> None:
    """Before the release, numbers are marked as incomplete; after it, they have margins."""
    soon = (timedelta(seconds=1), timedelta(days=300))
    policy = PolicyUpdate(mode_when_unset=Mode.ANONYMOUS, release_delays=soon)
    async with AsyncExitStack() as stack:
        keys = await make_tenant(authority, policy)
        clients = await clients_of(stack, authority, keys=keys)
        visitor = Visitor(dashboard.port)
        await visitor.sign_in(keys.reporter_key)
        await clients.sender.campaigns.create_campaign(
            "spring", links=["https://shop.example.com/"], groups=["readers"]
        )
        assert "Nothing has been sent yet" in text_of(await visitor.get("/campaigns/spring"))
        # Machines that opened messages of anonymous people are not known yet.
        assert "None were recognized so far among identified people." in text_of(
            await visitor.get("/campaigns/spring")
        )
        names = ["known", *(f"contact-{number}" for number in range(200))]
        await clients.sender.preferences.set_preference("known", DoNotTrack.FALSE)
        issued = await clients.sender.campaigns.issue_tokens("spring", "readers", names)
        for message in issued.tokens[:50]:
            assert message.token
            await clients.edge.tracking.record_open(message.token)
        async for stats in clients.reporter.stats.watch_campaign_stats("spring"):
            if stats.release.release_time is not None:
                break
        page = await visitor.get("/campaigns/spring")
        people = stats.opens.human.combined
        assert people is not None
        margin = f"± {people.margin:,}" if not people.is_noise else "Too few to tell"
        text = text_of(page)
        assert "Anonymous people are included as of" in text
        assert "The next release is on" in text
        assert margin in text
        assert "All groups with *, together" in text
        charts = json.loads(str(document(page).css_first("#data-people").text()))  # type: ignore[union-attr]
        assert charts["high"][0] > charts["low"][0] >= 1


HOSTILE_IDS = [
    "a/b",
    "..",
    ".",
    "x.csv",
    "a/events",
    "%2F",
    "a?b#c",
    'say "hi"',
    SCRIPT,
    "日本語 🎉",
]


@pytest.mark.parametrize("campaign_id", HOSTILE_IDS)
async def test_any_id_and_name_can_be_shown(
    reporter: Visitor, clients: Clients, campaign_id: str
) -> None:
    """An id is neither part of a path nor markup; nor are names, groups, URLs and labels."""
    await clients.sender.campaigns.create_campaign(
        campaign_id,
        display_name=f"{SCRIPT}'\"",
        links=[NewLink(f"https://shop.example.com/?q={SCRIPT}'\"", label=SCRIPT)],
        groups=[f"{SCRIPT}&"],
    )
    for ending in ("", "/print"):
        response = await reporter.get(campaign_path(campaign_id, ending))
        assert response.status == 200
        page = document(response)
        assert SCRIPT.encode() not in response.body
        assert f"{SCRIPT}'\"" == page.css_first("h1").text()  # type: ignore[union-attr]
        assert page.css_first("tbody bdi") is not None
        hrefs = [str(each.attributes["href"]) for each in page.css("tbody a")]
        assert all(href.startswith("https://shop.example.com/") for href in hrefs)
    exported = json.loads((await reporter.get(campaign_path(campaign_id, ".json"))).body)
    assert exported["campaign_id"] == campaign_id


async def test_exports_have_the_numbers_of_the_client(
    reporter: Visitor, clients: Clients, mailing: Mailing
) -> None:
    """Files to save, in which no cell is a formula."""
    await clients.sender.campaigns.extend_campaign(
        "spring", links=[NewLink("https://shop.example.com/new", label="=1+1")]
    )
    exported = await reporter.get("/campaigns/spring.csv")
    assert exported.headers["content-type"].startswith(b"text/csv")
    assert (
        exported.headers["content-disposition"] == b'attachment; filename="spring-statistics.csv"'
    )
    rows = list(csv.DictReader(StringIO(exported.body.decode())))
    assert rows[0]["opens.human.identified.total"] == "2"
    assert [row["label"] for row in rows if row["row"] == "link"][-1] == "'=1+1"
    document_ = json.loads((await reporter.get("/campaigns/spring.json")).body)
    assert document_["clicks"]["human"]["identified"] == {"total": 1, "unique": 1}


@pytest.mark.parametrize(
    ("campaign_id", "name"),
    [
        ('"; x="../é\\', "x"),
        ("...", "campaign"),
        ("spring 2026/a", "spring-2026-a"),
    ],
)
async def test_files_have_safe_names(
    reporter: Visitor, clients: Clients, campaign_id: str, name: str
) -> None:
    """They have the letters and digits of the campaign's id."""
    await clients.sender.campaigns.create_campaign(campaign_id)
    exported = await reporter.get(campaign_path(campaign_id, ".json"))
    disposition = exported.headers["content-disposition"].decode()
    assert disposition == f'attachment; filename="{name}-statistics.json"'


async def test_lists_are_sorted_searched_and_paged_by_links(
    reporter: Visitor, clients: Clients
) -> None:
    """Without scripts; each link keeps what the other list shows."""
    links = [NewLink(f"https://shop.example.com/{n}", label=f"item {n:02}") for n in range(60)]
    groups = [f"group {n:02}" for n in range(30)]
    await clients.sender.campaigns.create_campaign("many", links=links, groups=groups)
    page = document(await reporter.get("/campaigns/many?links_sort=-label&groups_q=group+1"))
    assert [each.text() for each in page.css("#links tbody .link-label")][:2] == [
        "item 59",
        "item 58",
    ]
    assert [each.text() for each in page.css("#groups tbody th")] == [
        f"group {n}" for n in range(10, 20)
    ]
    following = page.css_first("#links a[rel=next]")
    assert following is not None
    page = document(await reporter.get(str(following.attributes["href"]).partition("#")[0]))
    assert page.css("#links tbody .link-label")[0].text() == "item 34"
    assert len(page.css("#groups tbody th")) == 10
    assert "50 of 60" in page.css_first("#links .pager").text()  # type: ignore[union-attr]
    assert page.css("#links th[aria-sort=descending]")


async def test_a_page_after_the_last_leads_to_the_last(reporter: Visitor, clients: Clients) -> None:
    """As when the campaign had more, or an address was edited."""
    links = [f"https://shop.example.com/{n}" for n in range(30)]
    await clients.sender.campaigns.create_campaign("many", links=links)
    response = await reporter.get("/campaigns/many?links_page=9")
    assert response.status == 303
    assert b"links_page=2" in response.headers["location"]


async def test_the_picture_is_sandboxed_however_it_is_opened(
    reporter: Visitor, clients: Clients
) -> None:
    """The response itself forbids scripts, forms and remote content."""
    await clients.sender.campaigns.create_campaign(
        "spring", links=["https://shop.example.com/sale"], message_html=MESSAGE
    )
    page = document(await reporter.get("/campaigns/spring"))
    frame = page.css_first("iframe")
    assert frame is not None
    assert frame.attributes["sandbox"] in ("", None)
    picture = await reporter.get(str(frame.attributes["src"]))
    policy = picture.headers["content-security-policy"].decode()
    assert policy.split("; ")[:2] == ["sandbox", "default-src 'none'"]
    assert "allow" not in policy
    assert "'self'" not in policy.replace("frame-ancestors 'self'", "")
    assert picture.headers["x-content-type-options"] == b"nosniff"
    shown = document(picture)
    assert shown.css_first("a .hushpost-badge") is not None
    assert b"evil.example" not in picture.body
    assert not shown.css("script, meta, [onload], [href]")


async def test_a_campaign_without_a_message_has_no_picture(
    reporter: Visitor, mailing: Mailing
) -> None:
    """The page has no frame, and the address of the picture leads nowhere."""
    assert not document(await reporter.get("/campaigns/spring")).css("iframe")
    assert (await reporter.get("/campaigns/spring/message")).status == 404


@pytest.mark.parametrize(
    "path",
    ["/campaigns/nonsense", "/campaigns/nonsense.csv", "/campaigns/nonsense/print",
     "/campaigns/nonsense/message", "/campaigns/", "/campaigns/%ff", "/campaigns/%00",
     "/campaigns/" + "x" * 500, "/campaigns/a%2F..%2Fb"],
)  # fmt: skip
async def test_unknown_campaigns_are_not_found(reporter: Visitor, path: str) -> None:
    """At every address, the page says so."""
    assert (await reporter.get(path)).status == 404


@pytest.mark.parametrize("ending", ["", ".csv", ".json", "/print", "/message", "/events"])
async def test_other_tenants_see_nothing(
    authority: RunningAuthority, visitor: Visitor, mailing: Mailing, ending: str
) -> None:
    """A campaign of another tenant does not exist, and without a session there is nothing."""
    assert (await visitor.get(f"/campaigns/spring{ending}")).status == 303
    other = await make_tenant(authority)
    await visitor.sign_in(other.reporter_key)
    response = await visitor.get(f"/campaigns/spring{ending}")
    if ending == "/events":
        assert response.status == 200
        assert b"people opened" not in response.body
    else:
        assert response.status == 404


@pytest.mark.parametrize("name", ["vendor/chart.min.js", "charts.js", "style.css"])
async def test_static_files_are_compressed(visitor: Visitor, name: str) -> None:
    """The chart library is most of what a first visit transfers."""
    response = await visitor.get(f"/static/{name}?v=1", "Accept-Encoding: gzip")
    assert response.status == 200
    assert response.headers["content-encoding"] == b"gzip"
    assert b"immutable" in response.headers["cache-control"]
