"""Ten newsletters of different make, through the real authority."""

import re
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

import hushpost_mail
from hushpost_client import DoNotTrack, Mode, PolicyUpdate
from tests.conftest import Clients

from .undoing import (
    PIXEL,
    PREFERENCE_TOKEN,
    TOKEN,
    TRACKING_URL,
    destination,
    written_in_place_of_links,
)

FILES = {path.stem: path for path in Path(__file__).with_name("newsletters").glob("*.html")}
NAMES = [*sorted(FILES), "many"]


def newsletter(name: str) -> str:
    """Read a newsletter, or make the one with 500 links."""
    if name in FILES:
        return FILES[name].read_text(encoding="utf-8")
    rows = "\n".join(
        f'<tr><td><a href="https://shop.example.com/item/{n}?a={n}&amp;b=x">Item {n}</a></td></tr>'
        for n in range(500)
    )
    return f"<html><body><table>\n{rows}\n</table></body></html>\n"


def as_outlook_reads(html: str) -> str:
    """Open the conditional comments, so that any parser sees what is in them."""
    return re.sub(
        r"<!--\[if[^\]]*\]>(<!-->)?|<!--<!\[endif\]-->|<!\[endif\]-->",
        "",
        html,
        flags=re.IGNORECASE,
    )


def seen_by_another_parser(html: str) -> set[str]:
    """Answer what an independent HTML5 parser takes for links to the web that may be tracked.

    A set: by the standard, a misnested link is in the tree more than once.
    """
    urls = set()
    for node in LexborHTMLParser(as_outlook_reads(html)).css("*"):
        is_link = node.tag in ("a", "area") or (node.tag or "").startswith("v:")
        # Elements for the parser, inside the style and title of an SVG; for nobody else.
        hidden = re.search(r"/in-(svg-style|title)", str(node.attributes))
        if not is_link or hidden or node.attributes.get("data-hushpost"):
            continue
        url = node.attributes.get("href") or node.attributes.get("xlink:href") or ""
        url = re.sub(r"\s", "%20", re.sub(r"[\t\r\n]", "", url.strip()))
        if url.lower().startswith("http") and not re.search(r"[{|]|%%|<%", url):
            urls.add(url)
    return urls


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_all_but_links_and_pixel_stays(name: str, line_end: str) -> None:
    """Taking links and pixel out again gives the newsletter that went in, to the byte."""
    original = newsletter(name).replace("\n", line_end)
    template = hushpost_mail.prepare(original, tracking_url=TRACKING_URL)
    found = written_in_place_of_links(template.fill(TOKEN, PREFERENCE_TOKEN).html or "", original)
    assert [number for number, _ in found] == list(range(1, len(template.links) + 1))
    assert [destination(written) for _, written in found] == [link.url for link in template.links]


@pytest.mark.parametrize("name", NAMES)
def test_the_links_are_those_that_another_parser_sees(name: str) -> None:
    """What is taken for a link is what an independent HTML5 parser takes for one."""
    template = hushpost_mail.prepare(newsletter(name), tracking_url=TRACKING_URL)
    assert {link.url for link in template.links} == seen_by_another_parser(newsletter(name))
    assert template.links


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_read_as_a_link_is_no_link(name: str) -> None:
    """Nothing in comments, styles, scripts, titles, text areas or other attributes is rewritten."""
    template = hushpost_mail.prepare(newsletter(name), tracking_url=TRACKING_URL)
    assert not [link.url for link in template.links if "/in-" in link.url]


@pytest.mark.parametrize("name", NAMES)
def test_the_pixel_is_seen_by_another_parser(name: str) -> None:
    """The pixel is an image in the body, whatever the newsletter is made of."""
    template = hushpost_mail.prepare(newsletter(name), tracking_url=TRACKING_URL)
    html = template.fill(TOKEN, PREFERENCE_TOKEN).html or ""
    images = LexborHTMLParser(html).css(f'body img[src^="{TRACKING_URL}/o/"]')
    assert len(images) == 1
    rest = html[PIXEL.search(html).end() :]  # type: ignore[union-attr]
    assert not rest.strip() or rest.lower().startswith("</body>")


@pytest.mark.parametrize("name", NAMES)
async def test_every_link_leads_where_it_led(name: str, clients: Clients) -> None:
    """Each rewritten link resolves at the authority to exactly the original destination."""
    original = newsletter(name)
    campaign = await hushpost_mail.create_campaign(
        original, hushpost=clients.sender, tracking_url=TRACKING_URL, groups=["all"]
    )
    (rendered,) = [one async for one in campaign.render_all([("ada", "all")])]
    html = rendered.message.html or ""
    token = re.search(r"/o/([\w-]{56})\.gif", html)
    assert token is not None
    for number, written in written_in_place_of_links(
        html.replace(token[1], TOKEN).replace(
            rendered.preference_url, f"{TRACKING_URL}/p/{PREFERENCE_TOKEN}"
        ),
        original,
    ):
        assert await clients.edge.tracking.resolve_link(token[1], number) == destination(written)


@pytest.mark.parametrize("name", NAMES)
async def test_off_is_the_newsletter_itself(name: str, clients: Clients) -> None:
    """For a contact in the mode OFF only preference links are filled; nothing else differs."""
    await clients.admin.admin.update_policy(PolicyUpdate(mode_when_true=Mode.OFF))
    await clients.sender.preferences.set_preference("ada", DoNotTrack.TRUE)
    original = newsletter(name)
    campaign = await hushpost_mail.create_campaign(
        original, hushpost=clients.sender, tracking_url=TRACKING_URL, groups=["all"]
    )
    (rendered,) = [one async for one in campaign.render_all([("ada", "all")])]
    placeholder = re.compile(r"\{\{ ?hushpost\.preferences ?\}\}")
    assert rendered.message.html == placeholder.sub(rendered.preference_url, original)
