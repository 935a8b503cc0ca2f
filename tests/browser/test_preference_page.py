"""The preference page in a browser: decisions, the keyboard, small windows, themes, languages."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from hushpost_client import (
    Consent,
    DoNotTrack,
    PageBranding,
    PolicyUpdate,
    PreferenceChange,
    PreferenceSource,
)
from tests.conftest import Clients
from tests.edge.conftest import send
from tests.edge.edge_process import EdgeProcess
from tests.images import SVG
from tests.waiting import eventually

from .focus import press_until
from .windows import NARROW, Windows, overflow, violations

CONTACT = "reader@example.com"
LANGUAGES = ("en", "de", "fr", "it", "es")
THEMES: tuple[Any, ...] = ("light", "dark")
SAVED = '[role="status"]'


@dataclass(frozen=True)
class Reader:
    """A contact with the address of its page."""

    clients: Clients
    url: str

    async def consents(self) -> tuple[Consent | None, Consent | None]:
        """Return the consents to opens and clicks that the authority has."""
        found = await self.clients.sender.preferences.get_preference(CONTACT)
        return found.opens_consent, found.clicks_consent

    async def log(self) -> list[PreferenceChange]:
        """Return the changes of the preference."""
        changes = self.clients.sender.preferences.list_preference_changes(CONTACT)
        return [change async for change in changes]


@pytest.fixture
async def reader(edge: EdgeProcess, clients: Clients) -> Reader:
    """A contact that has not decided anything."""
    mailing = await send(clients.sender, [])
    issued = await clients.sender.campaigns.issue_tokens(
        mailing.campaign_id, "all", [CONTACT], include_preference_tokens=True
    )
    (token,) = issued.tokens
    return Reader(clients, f"http://127.0.0.1:{edge.port}/p/{token.preference_token}")


def button(page: Page, choice: str) -> Locator:
    """Return the button of a choice, in any language."""
    return page.locator(f'button[value="{choice}"]')


def radio(page: Page, purpose: str, answer: str) -> Locator:
    """Return a radio button of the form for each purpose."""
    return page.locator(f'input[name="{purpose}"][value="{answer}"]')


@pytest.mark.parametrize("scripts", ["with scripts", "without scripts"])
async def test_a_decision_and_its_undo(reader: Reader, windows: Windows, scripts: str) -> None:
    """One button declines both, and one click restores what was; scripts are not needed."""
    page = await windows.open(
        reader.url, locale="fr-FR", java_script_enabled=scripts == "with scripts"
    )
    await button(page, "decline").click()
    await expect(page.locator(SAVED)).to_be_visible()
    assert await reader.consents() == (Consent.DENIED, Consent.DENIED)
    await button(page, "undo").click()
    await expect(page.locator(SAVED)).to_be_visible()
    await expect(button(page, "undo")).to_have_count(1)
    assert await reader.consents() == (Consent.UNKNOWN, Consent.UNKNOWN)
    decision, undo = await reader.log()
    assert {decision.source, undo.source} == {PreferenceSource.RECIPIENT}
    assert decision.details.source_id == "preference-page"
    assert undo.details.source_id == "preference-page/undo"
    assert decision.details.wording_language == "fr"
    assert decision.details.wording_version


async def test_each_purpose_is_chosen_separately(reader: Reader, windows: Windows) -> None:
    """The form for each purpose stores both answers, and shows them again."""
    page = await windows.open(reader.url)
    await expect(page.locator("input:checked")).to_have_count(0)
    await radio(page, "opens", "allow").check()
    await button(page, "separate").click()
    await expect(page.locator(SAVED)).to_have_count(0)
    assert await reader.log() == []
    await radio(page, "clicks", "decline").check()
    await button(page, "separate").click()
    await expect(page.locator(SAVED)).to_be_visible()
    assert await reader.consents() == (Consent.GRANTED, Consent.DENIED)
    await page.goto(reader.url)
    await expect(radio(page, "opens", "allow")).to_be_checked()
    await expect(radio(page, "clicks", "decline")).to_be_checked()


async def test_the_keyboard_is_enough(reader: Reader, windows: Windows) -> None:
    """Tab, the arrows, Space and Enter decide and undo; the focus is always visible."""
    page = await windows.open(reader.url)
    await press_until(page, "Tab", button(page, "decline"))
    await page.keyboard.press("Enter")
    await expect(page.locator(SAVED)).to_be_visible()
    assert await reader.consents() == (Consent.DENIED, Consent.DENIED)
    await press_until(page, "Tab", button(page, "undo"))
    await page.keyboard.press("Enter")
    await expect(page.locator("input:checked")).to_have_count(0)
    assert await reader.consents() == (Consent.UNKNOWN, Consent.UNKNOWN)
    await press_until(page, "Tab", radio(page, "opens", "decline"))
    await page.keyboard.press("Space")
    await press_until(page, "Tab", radio(page, "clicks", "decline"))
    await press_until(page, "ArrowDown", radio(page, "clicks", "allow"))
    await press_until(page, "Tab", button(page, "separate"))
    await page.keyboard.press("Space")
    # The page of the undo says that it has been saved, too.
    chosen: tuple[Consent | None, Consent | None] = (Consent.DENIED, Consent.GRANTED)
    await eventually(reader.consents, chosen)
    await expect(page.locator(SAVED)).to_be_visible()


async def states(reader: Reader, page: Page) -> AsyncIterator[str]:
    """Show every state of the page, one after the other."""
    yield "not decided"
    await button(page, "decline").click()
    await expect(page.locator(SAVED)).to_be_visible()
    yield "saved"
    response = await page.goto(reader.url[:-6] + "broken" + await query(page))
    assert response is not None
    assert response.status == 404
    yield "damaged"
    await reader.clients.sender.preferences.erase_contact(CONTACT)
    await page.goto(reader.url + await query(page))
    await expect(page.locator("form")).to_have_count(0)
    yield "erased"


async def query(page: Page) -> str:
    """Return the query of the page's address."""
    found: str = await page.evaluate("location.search")
    return found


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_language(reader: Reader, windows: Windows, language: str) -> None:
    """Each state declares its language, fits 360 pixels, and is accessible in both themes."""
    page = await windows.open(reader.url, errors=["404"], locale=language, viewport=NARROW)
    titles = set()
    async for state in states(reader, page):
        root = page.locator("html")
        assert await root.get_attribute("lang") == language
        assert await root.get_attribute("dir") == "ltr"
        titles.add(await page.title())
        for width in (NARROW["width"], 320):
            await page.set_viewport_size({"width": width, "height": 740})
            assert await overflow(page) <= 0, (state, width)
        await page.emulate_media(color_scheme="light")
        assert await violations(page) == [], state
        await page.emulate_media(color_scheme="dark")
        assert await violations(page, "color-contrast") == [], state
    assert len(titles) == 4


async def test_the_themes_differ(reader: Reader, windows: Windows) -> None:
    """The page follows the reader's theme: dark text on light, or the reverse."""
    page = await windows.open(reader.url)
    lightness = {}
    for theme in THEMES:
        await page.emulate_media(color_scheme=theme)
        colors: list[str] = await page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        )
        lightness[theme] = [sum(map(int, color[4:-1].split(","))) for color in colors]
    text, back = lightness["light"]
    assert text < back
    text, back = lightness["dark"]
    assert text > back


async def test_the_reader_changes_the_language(reader: Reader, windows: Windows) -> None:
    """A link in the footer overrides the browser's language, also for the decision after it."""
    page = await windows.open(reader.url, locale="it-CH")
    await expect(page.locator("html")).to_have_attribute("lang", "it")
    await page.get_by_role("link", name="Deutsch").click()
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    await button(page, "allow").click()
    await expect(page.locator(SAVED)).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    (change,) = await reader.log()
    assert change.details.wording_language == "de"


async def test_looking_changes_nothing(reader: Reader, windows: Windows) -> None:
    """Opening, reloading, following every link and going back decide nothing."""
    await reader.clients.sender.preferences.set_preference(CONTACT, DoNotTrack.FALSE)
    before = await reader.log()
    page = await windows.open(reader.url)
    links = await page.locator("a").count()
    assert links >= len(LANGUAGES)
    for number in range(links):
        await page.locator("a").nth(number).click()
        await page.reload()
    await page.go_back()
    await page.goto(f"{reader.url}/one-click?List-Unsubscribe=One-Click&choice=decline")
    assert await reader.log() == before


async def test_a_branded_page_is_accessible(reader: Reader, windows: Windows) -> None:
    """Any color, a wide logo and long texts: readable, and no wider than the window."""
    logo = SVG.replace(b"</svg>", b"<script>document.title = 'script'</script></svg>")
    branding = PageBranding(
        accent_color="#ffee00",
        logo=logo,
        imprint_url="https://example.com/imprint",
        privacy_policy_url="https://example.com/privacy",
        intro={"de": "Datenschutzgrundverordnungsinformationspflichten " * 5},
        default_language="de",
    )
    await reader.clients.admin.admin.update_policy(PolicyUpdate(branding=branding))
    page = await windows.open(reader.url, locale="de-DE", viewport=NARROW)
    image = page.locator("header img")
    assert await image.evaluate("image => image.naturalWidth") == 480
    for width in (320, NARROW["width"], 1280):
        await page.set_viewport_size({"width": width, "height": 740})
        assert await overflow(page) <= 0, width
    for theme in THEMES:
        await page.emulate_media(color_scheme=theme)
        assert await violations(page) == [], theme
    assert await page.title() == "E-Mail-Tracking: Ihre Wahl"
    await button(page, "decline").click()
    await expect(page.locator(SAVED)).to_be_visible()
    for theme in THEMES:
        await page.emulate_media(color_scheme=theme)
        assert await violations(page, "color-contrast") == [], theme
