"""The list of campaigns and their comparison."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

import pytest
from selectolax.lexbor import LexborNode

from hushpost_client import Event, Hushpost, PolicyUpdate, Release, Verdict
from tests.conftest import Clients, RunningAuthority, make_tenant

from .visitor import Visitor, document, text_of

NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "\u202eevil",
    "&lt;b&gt;",
)


@dataclass(frozen=True)
class Row:
    """A row of the list."""

    name: str
    path: str
    cells: tuple[str, ...]


def words(node: LexborNode) -> str:
    """Return the text of a node with single spaces."""
    return " ".join(node.text(separator=" ").split())


async def rows(visitor: Visitor, path: str = "/campaigns") -> list[Row]:
    """Return the rows of a page of the list."""
    response = await visitor.get(path)
    assert response.status == 200
    found = []
    for row in document(response).css("main table tbody tr"):
        link = row.css_first("th a")
        assert link is not None
        cells = tuple(words(cell) for cell in row.css("td"))
        found.append(Row(link.text(), str(link.attributes["href"]), cells))
    return found


async def create(clients: Clients, *names: str) -> None:
    """Create campaigns with these names; their ids are c-0, c-1 and so on."""
    for number, name in enumerate(names):
        await clients.sender.campaigns.create_campaign(
            f"c-{number}", display_name=name, groups=["all"]
        )


async def record(sender: Hushpost, edge: Hushpost, campaign_id: str, opens: int, sent: int) -> None:
    """Send messages of a campaign, and record opens of some of them."""
    await sender.campaigns.create_campaign(
        campaign_id, groups=["all"], links=["https://example.com"]
    )
    contacts = [f"contact-{number}" for number in range(sent)]
    if not contacts:
        return
    issued = await sender.campaigns.issue_tokens(campaign_id, "all", contacts)
    events = [
        Event(item.token, verdict=Verdict.HUMAN) for item in issued.tokens[:opens] if item.token
    ]
    if events:
        await edge.tracking.record_events(events)


async def test_a_new_tenant_has_no_campaigns(reporter: Visitor) -> None:
    """The page says so."""
    response = await reporter.get("/campaigns")
    assert "No campaigns yet" in text_of(response)


async def test_the_list_shows_the_tenants_campaigns_only(
    authority: RunningAuthority, reporter: Visitor, clients: Clients
) -> None:
    """Newest first, by name or else by id."""
    other = await make_tenant(authority)
    async with authority.client(other.sender_key) as sender:
        await sender.campaigns.create_campaign("of-another-tenant")
    await create(clients, "First", "Second")
    await clients.sender.campaigns.create_campaign("without name/ä")
    assert [row.name for row in await rows(reporter)] == ["without name/ä", "Second", "First"]
    assert (await rows(reporter))[0].path == "/campaigns/without%20name%2F%C3%A4"


async def test_searching_and_sorting(reporter: Visitor, clients: Clients) -> None:
    """The address has text and order; invalid values get the default."""
    await create(clients, "Beta sale", "alpha", "Gamma SALE")

    async def names(**parameters: str) -> list[str]:
        return [row.name for row in await rows(reporter, f"/campaigns?{urlencode(parameters)}")]

    assert await names(q="sale") == ["Gamma SALE", "Beta sale"]
    assert await names(q="C-1") == ["alpha"]
    assert await names(q="%") == []
    assert await names(sort="oldest") == ["Beta sale", "alpha", "Gamma SALE"]
    assert await names(sort="name") == ["alpha", "Beta sale", "Gamma SALE"]
    assert await names(sort="name-desc") == ["Gamma SALE", "Beta sale", "alpha"]
    newest = ["Gamma SALE", "alpha", "Beta sale"]
    assert await names(sort="; drop table") == newest
    for page in ("0", "-1", "x", "²", "9" * 50, "1e3"):
        assert await names(page=page) == newest
    assert await names(q="\x00" + "x" * 5_000) == []


async def test_pages_of_25(reporter: Visitor, clients: Clients) -> None:
    """Links lead forwards and backwards and keep the search; a page too far is the last one."""
    await create(clients, *(f"Mailing {number:02}" for number in range(27)))
    first = await reporter.get("/campaigns?q=mailing&sort=name")
    link = document(first).css_first("nav.pager a[rel=next]")
    assert link is not None
    assert len(await rows(reporter, "/campaigns?q=mailing&sort=name")) == 25
    second = str(link.attributes["href"])
    assert [row.name for row in await rows(reporter, second)] == ["Mailing 25", "Mailing 26"]
    assert "26\N{EN DASH}27 of 27" in text_of(await reporter.get(second))
    back = document(await reporter.get(second)).css_first("nav.pager a[rel=prev]")
    assert back is not None
    assert len(await rows(reporter, str(back.attributes["href"]))) == 25
    beyond = await reporter.get("/campaigns?q=mailing&sort=name&page=9")
    assert beyond.headers["location"].decode() == second


async def test_names_and_ids_are_text(reporter: Visitor, clients: Clients) -> None:
    """Markup in a name, an id or a search is shown, not run."""
    for text in NASTY:
        await clients.sender.campaigns.create_campaign(text, display_name=text)
    chosen = urlencode([("campaign", text) for text in NASTY[:5]])
    for path in (f"/campaigns?{chosen}", f"/compare?{chosen}"):
        response = await reporter.get(path)
        page = document(response)
        assert response.status == 200
        assert not page.css("main script, main img, main b")
        shown = {link.text() for link in page.css("main tbody th a")}
        assert shown == set(NASTY if path.startswith("/campaigns") else NASTY[:5])
        for link in page.css("a"):
            assert str(link.attributes["href"]).startswith(("/", "#"))
    for text in NASTY:
        page = document(await reporter.get(f"/campaigns?q={quote(text)}"))
        field = page.css_first("input[name=q]")
        assert field is not None
        assert not page.css("main script, main img")


async def test_numbers_and_the_small_chart(authority: RunningAuthority, visitor: Visitor) -> None:
    """People, rates, and opens by hour; before a release, numbers are marked."""
    keys = await make_tenant(authority, PolicyUpdate(release=Release.EXACT))
    async with authority.client(keys.sender_key) as sender, authority.client(keys.edge_key) as edge:
        await record(sender, edge, "quiet", 0, 1)
        await record(sender, edge, "loud", 3, 8)
        await sender.campaigns.create_campaign("unsent")
    await visitor.sign_in(keys.reporter_key)
    page = document(await visitor.get("/campaigns"))
    assert [words(node) for node in page.css(".tenant")] == [keys.tenant_id]
    unsent, loud, quiet = await rows(visitor)
    assert loud.cells[2:5] == ("8", "3", "37.5%")
    assert quiet.cells[2:5] == ("1", "0", "0.0%")
    assert unsent.cells[2:] == ("0", *"\N{EN DASH}" * 3, "none yet")
    chart = page.css_first("svg.sparkline")
    assert chart is not None
    assert chart.attributes["aria-label"] == "3 identified opens in 1 day"


async def test_numbers_before_a_release_are_marked(reporter: Visitor, clients: Clients) -> None:
    """The asterisk is explained below the table, and read aloud as words."""
    await record(clients.sender, clients.edge, "new", 2, 4)
    response = await reporter.get("/campaigns")
    (row,) = await rows(reporter)
    assert row.cells[3] == "2 * identified people only"
    assert "* : identified people only" in text_of(response)


@pytest.mark.parametrize("number", [0, 1, 2, 5, 6])
async def test_up_to_five_campaigns_are_compared(
    reporter: Visitor, clients: Clients, number: int
) -> None:
    """Fewer than two lead to the list, of more than five the first five are shown."""
    await create(clients, *"ABCDEF")
    chosen = urlencode([("campaign", f"c-{index}") for index in range(number)])
    response = await reporter.get(f"/compare?{chosen}")
    assert response.status == 200
    text = text_of(response)
    assert ("Choose" in text) == (number < 2)
    assert ("At most 5 campaigns" in text) == (number > 5)
    if number:
        assert [row.name for row in await rows(reporter, f"/compare?{chosen}")] == list(
            "ABCDEF"[: min(number, 5)]
        )


async def test_the_comparison_draws_rates_and_curves(
    authority: RunningAuthority, visitor: Visitor
) -> None:
    """A bar per campaign and rate, a curve per campaign, and the numbers in a table."""
    keys = await make_tenant(authority, PolicyUpdate(release=Release.EXACT))
    async with authority.client(keys.sender_key) as sender, authority.client(keys.edge_key) as edge:
        await record(sender, edge, "a", 1, 4)
        await record(sender, edge, "b", 4, 8)
    await visitor.sign_in(keys.reporter_key)
    response = await visitor.get(
        "/compare?campaign=a&campaign=b&campaign=a&campaign=gone&campaign="
    )
    page = document(response)
    assert "1 of the campaigns does not exist" in text_of(response)
    bars = page.css(".bars")
    assert [len(chart.css("svg.bar")) for chart in bars] == [2, 2, 2]
    lengths = [str(bar.attributes["width"]) for bar in bars[0].css("rect.value")]
    assert lengths == ["50.0", "100.0"]  # of a scale to 50%
    assert len(page.css("path.curve")) == 2
    assert words(page.css("details tbody tr")[0]) == "1 25.0 50.0"
    remove = page.css_first("td.remove a")
    assert remove is not None
    assert remove.attributes["href"] == "/compare?campaign=b"


async def test_rates_that_do_not_exist_are_dashes(
    authority: RunningAuthority, visitor: Visitor
) -> None:
    """A campaign that was not sent has no rates, one without opens has no click-to-open rate."""
    keys = await make_tenant(authority, PolicyUpdate(release=Release.EXACT))
    async with authority.client(keys.sender_key) as sender, authority.client(keys.edge_key) as edge:
        await record(sender, edge, "unsent", 0, 0)
        await record(sender, edge, "quiet", 0, 4)
    await visitor.sign_in(keys.reporter_key)
    path = "/compare?campaign=unsent&campaign=quiet"
    unsent, quiet = await rows(visitor, path)
    dash = "\N{EN DASH}"
    assert unsent.cells[3:6] == (dash, dash, dash)
    assert quiet.cells[3:6] == ("0.0%", "0.0%", dash)
    page = document(await visitor.get(path))
    assert [len(chart.css("svg.bar")) for chart in page.css(".bars")] == [1, 1, 0]


async def test_campaigns_can_be_added_to_a_comparison(reporter: Visitor, clients: Clients) -> None:
    """The list keeps those that were chosen, also those on other pages."""
    await create(clients, "A", "B")
    page = document(await reporter.get("/campaigns?q=B&campaign=c-0&campaign=c-1"))
    form = page.css("form#compare input")
    assert [field.attributes["value"] for field in form] == ["c-0"]
    boxes = page.css("input[form=compare]")
    assert [(box.attributes["value"], "checked" in box.attributes) for box in boxes] == [
        ("c-1", True)
    ]
