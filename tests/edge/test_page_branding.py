"""What senders add to their preference pages."""

import re
from dataclasses import replace

import pytest

from hushpost_client import PageBranding, PolicyUpdate
from tests.conftest import Clients
from tests.images import PNG, SVG

from .conftest import send
from .edge_process import EdgeProcess
from .page_content import HEADERS, style_source, text_of
from .raw_http import HttpResponse, get, post

CONTACT = "reader@example.com"
BRANDING = PageBranding(
    accent_color="#f0c020",
    logo=SVG,
    imprint_url='https://example.com/imprint?a=1&b="2"',
    privacy_policy_url="https://example.com/privacy",
    intro={"en": "Thank you for <reading>.", "de": "Danke fürs Lesen."},
    default_language="de",
)


class Page:
    """The preference page of a contact."""

    def __init__(self, clients: Clients, port: int, token: str) -> None:
        self._clients = clients
        self._port = port
        self._path = f"/p/{token}"

    async def brand(self, branding: PageBranding) -> None:
        """Change the branding of the sender."""
        await self._clients.admin.admin.update_policy(PolicyUpdate(branding=branding))

    async def get(self, language: str = "en") -> HttpResponse:
        """Load the page."""
        return await get(self._port, self._path, f"Accept-Language: {language}")

    async def decide(self, choice: str) -> tuple[str | None, str | None]:
        """Submit the form; return the wording's version and language that the log has."""
        response = await post(self._port, self._path, "Accept-Language: en", choice=choice)
        assert response.status == 200
        changes = self._clients.sender.preferences.list_preference_changes(CONTACT)
        details = [change.details async for change in changes][-1]
        return details.wording_version, details.wording_language


@pytest.fixture
async def page(edge: EdgeProcess, clients: Clients) -> Page:
    """A page of a sender without branding."""
    mailing = await send(clients.sender, [])
    issued = await clients.sender.campaigns.issue_tokens(
        mailing.campaign_id, "all", [CONTACT], include_preference_tokens=True
    )
    token = issued.tokens[0].preference_token
    assert token is not None
    return Page(clients, edge.port, token)


def security_policy(response: HttpResponse) -> list[str]:
    """Return the directives of the Content-Security-Policy."""
    return response.headers["content-security-policy"].decode().split("; ")


async def test_the_page_shows_the_branding(page: Page) -> None:
    """Logo, introduction and links are shown, escaped; the policy allows the image and the style."""
    await page.brand(BRANDING)
    response = await page.get()
    html = response.body.decode()
    assert 'src="data:image/svg+xml;base64,' in html
    assert "Thank you for &lt;reading&gt;." in html
    assert (
        'href="https://example.com/imprint?a=1&amp;b=&#34;2&#34;" rel="noreferrer">Imprint' in html
    )
    assert 'href="https://example.com/privacy" rel="noreferrer">Privacy policy' in html
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert "img-src data:" in security_policy(response)
    assert style_source(response) in security_policy(response)
    assert not re.search(r"<script|<link|style=|\son\w+=|<svg", html)


async def test_a_page_without_logo_allows_no_images(page: Page) -> None:
    """A directive is present only if it is needed."""
    await page.brand(PageBranding(accent_color="#123456"))
    response = await page.get()
    assert not any(each.startswith("img-src") for each in security_policy(response))
    assert "#123456" in response.body.decode()
    assert style_source(response) in security_policy(response)


@pytest.mark.parametrize(
    ("reader", "language", "intro"),
    [
        ("en", "en", "Thank you"),
        ("de-CH", "de", "Danke"),
        ("fr", "fr", "Danke"),
        ("ja", "de", "Danke"),
    ],
)
async def test_the_introduction_is_in_the_language_of_the_page(
    page: Page, reader: str, language: str, intro: str
) -> None:
    """Otherwise in the sender's default, which is also that of pages for other readers."""
    await page.brand(BRANDING)
    response = await page.get(reader)
    assert response.headers["content-language"].decode() == language
    assert f'<html lang="{language}"' in response.body.decode()
    assert intro in text_of(response)
    declared = re.findall(r'class="intro" lang="(\w+)"', response.body.decode())
    assert declared == ["en" if intro == "Thank you" else "de"]


async def test_the_wording_version_covers_the_senders_texts(page: Page) -> None:
    """It changes with the introduction and the links, not with the logo or the color."""
    versions = [await page.decide("decline")]
    for change in (
        PageBranding(intro={"en": "One."}),
        PageBranding(logo=PNG, accent_color="#00ff00"),
        PageBranding(intro={"en": "Two."}),
        PageBranding(privacy_policy_url="https://example.com/new"),
        PageBranding(intro={"en": "One."}, privacy_policy_url=""),
        PageBranding(intro={}),
    ):
        await page.brand(change)
        versions.append(await page.decide("allow" if len(versions) % 2 else "decline"))
    assert {language for _, language in versions} == {"en"}
    plain, one, same, two, new, again, removed = (version for version, _ in versions)
    assert one == same == again
    assert removed == plain
    assert len({plain, one, two, new}) == 4


async def test_pages_of_no_sender_have_no_branding(page: Page, edge: EdgeProcess) -> None:
    """A damaged link and the start page name no sender."""
    await page.brand(replace(BRANDING, intro={"en": "Secret."}))
    for path in ("/", "/p/x", f"/p/{'A' * 46}"):
        body = (await get(edge.port, path)).body
        assert b"Secret" not in body
        assert b"<img" not in body
