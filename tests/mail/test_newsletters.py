"""Ten newsletters of different origin, parsed and sent through a real authority."""

import re
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from hushpost_client import DoNotTrack, Mode, PolicyUpdate
from hushpost_mail import Campaign, Parts, create_campaign, parse_template
from tests.conftest import Clients

from .rendered_html import (
    PIXEL,
    PREFERENCE_TOKEN,
    PREFERENCE_URL,
    TOKEN,
    TRACKING_URL,
    browser_destination,
    replaced_hrefs,
)

FILES = {path.stem: path for path in Path(__file__).with_name("newsletters").glob("*.html")}
NAMES = [*sorted(FILES), "many"]


def newsletter(name: str) -> str:
    """Return a newsletter; "many" is generated and has 500 links."""
    if name in FILES:
        return FILES[name].read_text(encoding="utf-8")
    rows = "\n".join(
        f'<tr><td><a href="https://shop.example.com/item/{n}?a={n}&amp;b=x">Item {n}</a></td></tr>'
        for n in range(500)
    )
    return f"<html><body><table>\n{rows}\n</table></body></html>\n"


def open_conditional_comments(html: str) -> str:
    """Remove the delimiters of conditional comments, so that any parser sees their content."""
    return re.sub(
        r"<!--\[if[^\]]*\]>(<!-->)?|<!--<!\[endif\]-->|<!\[endif\]-->",
        "",
        html,
        flags=re.IGNORECASE,
    )


def links_by_independent_parser(html: str) -> set[str]:
    """Return the trackable links that an independent HTML5 parser finds.

    The result is a set, because misnested links are in the tree more than once.
    """
    urls = set()
    for node in LexborHTMLParser(open_conditional_comments(html)).css("*"):
        is_link = node.tag in ("a", "area") or (node.tag or "").startswith("v:")
        # The parser sees elements in the style and title of an SVG; browsers hide them.
        hidden = re.search(r"/in-(svg-style|title)", str(node.attributes))
        if not is_link or hidden or node.attributes.get("data-hushpost"):
            continue
        url = node.attributes.get("href") or node.attributes.get("xlink:href") or ""
        url = re.sub(r"\s", "%20", re.sub(r"[\t\r\n]", "", url.strip()))
        if url.lower().startswith("http") and not re.search(r"[{|]|%%|<%", url):
            urls.add(url)
    return urls


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_only_links_and_pixel_change(name: str, newline: str) -> None:
    """Removing links and pixel from the rendered newsletter gives the source, byte for byte."""
    original = newsletter(name).replace("\n", newline)
    template = parse_template(original, tracking_url=TRACKING_URL)
    hrefs = replaced_hrefs(template.render(TOKEN, PREFERENCE_TOKEN).html or "", original)
    assert [number for number, _ in hrefs] == list(range(1, len(template.links) + 1))
    assert [browser_destination(href) for _, href in hrefs] == [link.url for link in template.links]


@pytest.mark.parametrize("name", NAMES)
def test_links_match_those_of_an_independent_parser(name: str) -> None:
    """The tracked links are those that an independent HTML5 parser finds."""
    template = parse_template(newsletter(name), tracking_url=TRACKING_URL)
    assert {link.url for link in template.links} == links_by_independent_parser(newsletter(name))
    assert template.links


@pytest.mark.parametrize("name", NAMES)
def test_urls_that_are_not_links_are_not_tracked(name: str) -> None:
    """URLs in comments, styles, scripts, titles, text areas and other attributes are ignored."""
    template = parse_template(newsletter(name), tracking_url=TRACKING_URL)
    assert not [link.url for link in template.links if "/in-" in link.url]


@pytest.mark.parametrize("name", NAMES)
def test_the_pixel_is_an_image_at_the_end_of_the_body(name: str) -> None:
    """An independent parser finds one pixel, which is the last element of the body."""
    template = parse_template(newsletter(name), tracking_url=TRACKING_URL)
    html = template.render(TOKEN, PREFERENCE_TOKEN).html or ""
    images = LexborHTMLParser(html).css(f'body img[src^="{TRACKING_URL}/o/"]')
    assert len(images) == 1
    rest = html[PIXEL.search(html).end() :]  # type: ignore[union-attr]
    assert not rest.strip() or rest.lower().startswith("</body>")


async def register(html: str, clients: Clients) -> Campaign[Parts[str]]:
    """Create a campaign for one group."""
    return await create_campaign(
        html, hushpost=clients.sender, tracking_url=TRACKING_URL, groups=["all"]
    )


@pytest.mark.parametrize("name", NAMES)
async def test_every_link_resolves_to_its_destination(name: str, clients: Clients) -> None:
    """The authority resolves each rewritten link to exactly the original destination."""
    original = newsletter(name)
    campaign = await register(original, clients)
    (rendered,) = [message async for message in campaign.render_all([("ada", "all")])]
    html = rendered.message.html or ""
    pixel = re.search(r"/o/([\w-]{56})\.gif", html)
    assert pixel is not None
    token = pixel[1]
    html = html.replace(token, TOKEN).replace(rendered.preference_url, PREFERENCE_URL)
    for number, href in replaced_hrefs(html, original):
        destination = await clients.edge.tracking.resolve_link(token, number)
        assert destination == browser_destination(href)


@pytest.mark.parametrize("name", NAMES)
async def test_an_off_newsletter_equals_its_source(name: str, clients: Clients) -> None:
    """In mode OFF, preference links are filled in and nothing else changes."""
    await clients.admin.admin.update_policy(PolicyUpdate(mode_when_true=Mode.OFF))
    await clients.sender.preferences.set_preference("ada", DoNotTrack.TRUE)
    original = newsletter(name)
    campaign = await register(original, clients)
    (rendered,) = [message async for message in campaign.render_all([("ada", "all")])]
    placeholder = re.compile(r"\{\{ ?hushpost\.preferences ?\}\}")
    assert rendered.message.html == placeholder.sub(rendered.preference_url, original)
