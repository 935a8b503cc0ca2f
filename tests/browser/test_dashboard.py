"""The dashboard in a browser: signing in, live numbers, margins, exports, comparison, the keyboard."""

import csv
import json
import random
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Download, Locator, Page, expect

from hushpost_client import DoNotTrack, Mode, PolicyUpdate, PreferenceEntry, Verdict
from hushpost_demo.contacts import contacts_file, read_contacts
from hushpost_demo.earlier_campaigns import CAMPAIGNS, create_earlier_campaigns
from tests.conftest import RunningAuthority, TenantKeys, make_tenant
from tests.dashboard.dashboard_process import DashboardProcess
from tests.waiting import eventually

from .focus import press_until
from .windows import NARROW, Windows, overflow, violations

CAMPAIGN = CAMPAIGNS[-1].campaign_id
OTHER = CAMPAIGNS[0].campaign_id
READER = "reader@example.com"
POLICY = PolicyUpdate(
    mode_when_unset=Mode.ANONYMOUS, release_delays=(timedelta(seconds=1), timedelta(days=7))
)
WIDE: Any = {"width": 3840, "height": 2160}
DESKTOP: Any = {"width": 1280, "height": 900}


@dataclass(frozen=True)
class Campaigns:
    """A dashboard with two campaigns of the demo; their first counts are released.

    Attributes:
        url: The address of the dashboard.
        keys: The tenant's keys.
        session: The cookies of someone who has signed in.
    """

    url: str
    keys: TenantKeys
    session: Any

    def page(self, campaign_id: str = CAMPAIGN) -> str:
        """Return the address of a campaign's page."""
        return f"{self.url}/campaigns/{campaign_id}"


@pytest.fixture(scope="module")
async def campaigns(
    authority: RunningAuthority, dashboard: DashboardProcess, browser: Browser
) -> Campaigns:
    """The campaigns, of contacts who consent or not as in the demo."""
    keys = await make_tenant(authority, POLICY)
    async with (
        authority.client(keys.sender_key) as sender,
        authority.client(keys.edge_key) as edge,
        authority.client(keys.reporter_key) as reporter,
    ):
        with contacts_file() as file:
            contacts = read_contacts(file)
        consenting = [each.contact_id for each in contacts if each.expected_mode is Mode.IDENTIFIED]
        await sender.preferences.batch_set_preferences(
            # Consent counts for campaigns that are created after it.
            PreferenceEntry(contact_id, DoNotTrack.FALSE)
            for contact_id in (*consenting, READER)
        )
        rng = random.Random(1)  # noqa: S311 - habits
        assert await create_earlier_campaigns(sender, edge, contacts, rng)

        async def released() -> bool:
            stats = await reporter.stats.get_campaign_stats(CAMPAIGN)
            return stats.release.release_time is not None

        await eventually(released, expected=True)
    url = f"http://127.0.0.1:{dashboard.port}"
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(url)
    await sign_in(page, keys.reporter_key)
    await expect(page.get_by_role("heading", name="Campaigns")).to_be_visible()
    session = await context.storage_state()
    await context.close()
    return Campaigns(url, keys, session)


async def sign_in(page: Page, key: str) -> None:
    """Fill in the form of the sign-in page, and send it."""
    await page.locator("#api_key").fill(key)
    await page.keyboard.press("Enter")


def tile(page: Page, name: str) -> Locator:
    """Return one of the large numbers at the top of a campaign's page."""
    return page.get_by_role("listitem").filter(has=page.get_by_text(name, exact=True))


async def test_signing_in_and_out(campaigns: Campaigns, windows: Windows) -> None:
    """A wrong key is explained; the right one leads to the page that was asked for."""
    page = await windows.open(campaigns.page(), errors=["403"])
    await expect(page).to_have_title("Sign in · Hushpost")
    await sign_in(page, "hp_" + "x" * 44)
    await expect(page.get_by_role("alert")).to_contain_text("This API key is not accepted")
    assert await violations(page) == []
    await sign_in(page, campaigns.keys.sender_key)
    await expect(page.get_by_role("alert")).to_contain_text("needs a key of role REPORTER")
    await sign_in(page, campaigns.keys.reporter_key)
    await expect(page).to_have_url(campaigns.page())
    assert campaigns.keys.reporter_key not in await page.content()
    assert campaigns.keys.reporter_key not in json.dumps(await page.context.cookies())
    await page.get_by_role("button", name="Sign out").click()
    await page.goto(campaigns.page())
    await expect(page).to_have_title("Sign in · Hushpost")


async def test_an_event_appears_without_reloading(
    authority: RunningAuthority, campaigns: Campaigns, windows: Windows
) -> None:
    """An open and a click change the numbers of the open page, and its chart."""
    async with (
        authority.client(campaigns.keys.sender_key) as sender,
        authority.client(campaigns.keys.edge_key) as edge,
    ):
        issued = await sender.campaigns.issue_tokens(CAMPAIGN, "press", [READER])
        token = issued.tokens[0].token or ""
        page = await windows.open(campaigns.page(), storage_state=campaigns.session)
        await expect(page.locator("#live")).to_have_attribute("data-state", "on")
        opened, clicked = tile(page, "People who opened"), tile(page, "People who clicked")
        before = [await identified(opened), await identified(clicked)]
        chart = await page.locator("#data-people").text_content()
        await page.evaluate("window.sameDocument = true")
        await edge.tracking.record_open(token, verdict=Verdict.HUMAN)
        await edge.tracking.record_click(token, 2, verdict=Verdict.HUMAN)
        await expect(opened).to_contain_text(f"{before[0] + 1} identified")
        await expect(clicked).to_contain_text(f"{before[1] + 1} identified")
        assert await page.locator("#data-people").text_content() != chart
        assert await page.evaluate("window.sameDocument")


async def test_a_page_is_live_again_after_the_authority_was_away(
    campaigns: Campaigns, windows: Windows
) -> None:
    """Even if no number has changed meanwhile."""
    page = await windows.open(campaigns.page(), storage_state=campaigns.session)
    await page.add_init_script(
        "window.EventSource = class extends EventTarget {"
        "  constructor() { super(); window.source = this; } close() {} };"
    )
    await page.reload()
    shown = page.locator("#live-text")
    report = json.dumps({"parts": {"reading": "<p>Read this.</p>"}, "charts": {}})
    for kind, text in (
        ("report", "Live"),
        ("stale", "Not live: the authority cannot be reached"),
        ("report", "Live"),
        ("error", "Not live: reconnecting…"),
        ("report", "Live"),
    ):
        await page.evaluate(
            "([kind, data]) => window.source.dispatchEvent(new MessageEvent(kind, { data }))",
            [kind, report],
        )
        await expect(shown).to_have_text(text)


async def identified(shown: Locator) -> int:
    """Return the number of identified people in a tile."""
    text = await shown.inner_text()
    return int(text.partition(" identified")[0].split()[-1].replace(",", ""))


async def test_estimates_have_margins(campaigns: Campaigns, windows: Windows) -> None:
    """Numbers with anonymous people have a margin, in words, in the chart, and in its table."""
    page = await windows.open(campaigns.page(), storage_state=campaigns.session)
    opened = tile(page, "People who opened")
    await expect(opened).to_contain_text("±")
    await expect(opened).to_contain_text("anonymous")
    await expect(page.get_by_text("Anonymous people are included as of")).to_be_visible()
    await expect(page.get_by_text("The next release is on")).to_be_visible()
    await expect(page.get_by_text("± is the margin of an estimate")).to_be_visible()
    assert await has_pixels(page, "#chart-people canvas")
    assert await has_pixels(page, "#chart-time canvas")
    await page.get_by_text("Table of these numbers").first.click()
    await expect(page.locator("#part-totals")).to_contain_text("±")


async def has_pixels(page: Page, canvas: str) -> bool:
    """Return whether anything is drawn on a canvas."""
    drawn: bool = await page.locator(canvas).evaluate(
        "canvas => canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data.some(value => value > 0)"
    )
    return drawn


async def test_the_picture_of_the_message(campaigns: Campaigns, windows: Windows) -> None:
    """The message is shown with the share of each link, in a frame that may do nothing."""
    page = await windows.open(campaigns.page(), storage_state=campaigns.session)
    frame = page.locator("iframe")
    await frame.scroll_into_view_if_needed()
    assert await frame.get_attribute("sandbox") == ""
    message = page.frame_locator("iframe")
    await expect(message.get_by_role("heading", name=CAMPAIGNS[-1].display_name)).to_be_visible()
    await expect(message.get_by_text("%").first).to_be_visible()


async def test_the_numbers_do_not_need_scripts(campaigns: Campaigns, windows: Windows) -> None:
    """Without scripts one can sign in, and the numbers of each chart are in a table."""
    page = await windows.open(campaigns.page(), java_script_enabled=False)
    await sign_in(page, campaigns.keys.reporter_key)
    await expect(tile(page, "People who opened")).to_contain_text("±")
    await page.get_by_text("Table of these numbers").first.click()
    await expect(page.locator("#part-totals")).to_be_visible()
    await page.get_by_role("link", name="Clicked").first.click()
    await expect(page.get_by_role("region", name="Links").get_by_role("row")).to_have_count(7)


async def test_exports(campaigns: Campaigns, windows: Windows, tmp_path: Path) -> None:
    """The CSV and the JSON file are saved with the numbers of the page."""
    page = await windows.open(campaigns.page(OTHER), storage_state=campaigns.session)
    people = await identified(tile(page, "People who opened"))
    table = await saved(page, "CSV", tmp_path)
    assert table.suffix == ".csv"
    with table.open(encoding="utf-8-sig", newline="") as lines:
        assert any(str(people) in cells for cells in csv.reader(lines))
    document = await saved(page, "JSON", tmp_path)
    assert document.suffix == ".json"
    report = json.loads(document.read_text("utf-8"))
    assert f'"{people}"' in json.dumps(report) or f": {people}" in json.dumps(report)


async def saved(page: Page, link: str, folder: Path) -> Path:
    """Follow a link to a file; return where it was saved, under the name that was suggested."""
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name=link, exact=True).click()
    download: Download = await waiting.value
    file = folder / download.suggested_filename
    await download.save_as(file)
    return file


async def test_campaigns_are_found_and_compared(campaigns: Campaigns, windows: Windows) -> None:
    """The list is searched and sorted; campaigns that are ticked are compared."""
    page = await windows.open(f"{campaigns.url}/campaigns", storage_state=campaigns.session)
    rows = page.get_by_role("table", name="Campaigns").get_by_role("row")
    await expect(rows).to_have_count(1 + len(CAMPAIGNS))
    await page.get_by_role("link", name="Campaign", exact=False).and_(page.locator(".sort")).click()
    await expect(rows.nth(1)).to_contain_text("Bulbs")
    await page.get_by_role("searchbox").fill("FROST")
    await page.keyboard.press("Enter")
    await expect(rows).to_have_count(2)
    await page.goto(f"{campaigns.url}/campaigns")
    for each in CAMPAIGNS:
        await page.get_by_label(f"Compare {each.display_name}").check()
    await page.get_by_role("button", name="Compare selected").click()
    totals = page.get_by_role("table", name="Totals").get_by_role("row")
    await expect(totals).to_have_count(1 + len(CAMPAIGNS))
    await expect(page.locator("svg.bar").first).to_be_visible()


async def test_the_keyboard_is_enough(campaigns: Campaigns, windows: Windows) -> None:
    """From signing in to a sorted table of links, with visible focus and a skip link."""
    page = await windows.open(f"{campaigns.url}/campaigns", viewport=DESKTOP)
    await expect(page.locator("#api_key")).to_be_focused()
    await page.keyboard.type(campaigns.keys.reporter_key)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Campaigns")).to_be_visible()
    skip = page.get_by_role("link", name="Skip to content")
    await press_until(page, "Tab", skip)
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await press_until(page, "Tab", page.get_by_role("link", name=CAMPAIGNS[-1].display_name))
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(campaigns.page())
    region = page.get_by_role("region", name="Links")
    await press_until(page, "Tab", region.get_by_role("link", name="No."))
    await page.keyboard.press("Enter")
    await expect(region.locator("[aria-sort]")).to_contain_text("No.")


PAGES = {
    "sign in": "/sign-in",
    "list": "/campaigns",
    "campaign": f"/campaigns/{CAMPAIGN}",
    "print": f"/campaigns/{CAMPAIGN}/print",
    "comparison": f"/compare?campaign={CAMPAIGN}&campaign={OTHER}",
    "not found": "/campaigns/absent",
}


@pytest.mark.parametrize("name", PAGES)
async def test_every_page(campaigns: Campaigns, windows: Windows, name: str) -> None:
    """It fits windows from 360 to 3840 pixels, and is accessible in both themes."""
    session = None if name == "sign in" else campaigns.session
    page = await windows.open(campaigns.url + PAGES[name], errors=["404"], storage_state=session)
    for viewport in (NARROW, DESKTOP, WIDE):
        await page.set_viewport_size(viewport)
        assert await overflow(page) <= 0, viewport
    await page.set_viewport_size(DESKTOP)
    await page.emulate_media(color_scheme="light")
    assert await violations(page) == []
    await page.emulate_media(color_scheme="dark")
    assert await violations(page, "color-contrast") == []
