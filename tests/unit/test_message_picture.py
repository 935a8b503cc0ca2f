"""The picture of a message: which link a badge belongs to, and what is removed."""

import pytest
from selectolax.lexbor import LexborHTMLParser

from hushpost_client import Count, EngagementStats, Estimate, LinkStats, SignalStats
from hushpost_dashboard.report.message_picture import message_picture
from hushpost_dashboard.report.people import Number, Share
from hushpost_dashboard.report.rows import LinkRow
from hushpost_mail import parse_template

NOTHING = EngagementStats(
    identified=Count(0, 0), anonymous=None, aggregate=None, combined=Estimate()
)


def _links(*urls: str) -> list[LinkStats]:
    clicks = SignalStats(human=NOTHING, machine=NOTHING)
    return [
        LinkStats(link_number=number, url=url, label=None, clicks=clicks)
        for number, url in enumerate(urls, 1)
    ]


def _rows(links: list[LinkStats]) -> dict[int, LinkRow]:
    """Each link was clicked by 100 times its number of people."""
    return {
        link.link_number: LinkRow(
            link.link_number,
            label="",
            host="",
            rest="",
            href=None,
            clicked=Number.exact(100 * link.link_number),
            share=Share(0.25),
            bar=None,
            machines=Number.exact(0),
        )
        for link in links
    }


def _picture(html: str, *urls: str) -> LexborHTMLParser:
    links = _links(*urls)
    return LexborHTMLParser(message_picture(html, links, _rows(links)))


def _badges(picture: LexborHTMLParser) -> dict[str, str]:
    """Return the badge of each link by its id."""
    return {
        str(link.attributes["id"]): link.css(".hushpost-badge")[0].text()
        for link in picture.css("a.hushpost-link")
    }


def test_each_link_has_its_numbers() -> None:
    """Also links with the same URL."""
    html = '<a id=x href="https://a.example/">A</a> <a id=y href="https://a.example/"><b>B</b></a>'
    badges = _badges(_picture(html, "https://a.example/", "https://a.example/"))
    assert badges == {"x": "100 (25.0%)", "y": "200 (25.0%)"}


def test_links_are_numbered_as_when_the_message_was_sent() -> None:
    """Links for Outlook have numbers of their own, and marked ones have none."""
    html = """
    <!--[if mso]><v:roundrect href="https://a.example/">A</v:roundrect><![endif]-->
    <a id=a href=" https://a.example/ ">A</a>
    <a id=off href="https://a.example/" data-hushpost="off">off</a>
    <a id=mail href="mailto:us@example.com">mail</a>
    <a id=b href="https://b.example/?x=1&amp;y=2">B</a>
    """
    urls = [link.url for link in parse_template(html, tracking_url="https://t.example").links]
    assert len(urls) == 3
    assert _badges(_picture(html, *urls)) == {"a": "200 (25.0%)", "b": "300 (25.0%)"}


def test_links_that_are_not_in_both_have_no_numbers() -> None:
    """A link of `List-Unsubscribe` is not tracked; a link may be added later."""
    html = """
    <a id=unsubscribe href="https://a.example/unsubscribe">x</a>
    <a id=shop href="https://a.example/">x</a>
    """
    badges = _badges(_picture(html, "https://a.example/trap", "https://a.example/"))
    assert badges == {"shop": "200 (25.0%)"}


HOSTILE = """<!doctype html><html onload=alert(1)><head>
<base href="//evil.example/"><link rel=stylesheet href="//evil.example/x.css">
<link rel=preconnect href="//evil.example"><meta http-equiv=refresh content="0;url=//evil.example">
<script>alert(1)</script></head><body background="//evil.example/b.png" onload=alert(1)>
<img src="https://evil.example/p.gif" srcset="//evil.example/2.gif 2x" onerror=alert(1)>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" id=inline>
<iframe src="//evil.example"></iframe><object data="//evil.example"></object><embed src=x>
<form action="//evil.example"><input type=image src="//evil.example/i.png" formaction=//evil.example>
</form><video src="//evil.example/v" poster="//evil.example/p"></video><audio src=x></audio>
<a href="javascript:alert(1)" target=_top ping="//evil.example">x</a>
<svg onload=alert(1)><a xlink:href="javascript:alert(1)"><text>t</text></a><script>alert(1)</script>
</svg><math><a href="javascript:alert(1)">x</a></math><area href="//evil.example">
<template><img src="//evil.example/t"></template><p onclick=alert(1) OnMouseOver=alert(1)>text</p>
"""


def test_nothing_acts_or_loads() -> None:
    """No script, no address of another host, no way to leave; the content stays."""
    picture = _picture(HOSTILE)
    for element in picture.css("*"):
        assert element.tag not in {
            "script", "base", "link", "meta", "iframe", "object", "embed", "video", "audio",
            "template",
        }  # fmt: skip
        for name, value in element.attributes.items():
            assert not name.startswith("on")
            assert name not in {"href", "xlink:href", "srcset", "action", "formaction", "ping"}
            assert "evil.example" not in (value or "")
    assert picture.css("#inline")[0].attributes["src"]
    assert picture.css("p")[0].text() == "text"


@pytest.mark.parametrize(
    "html",
    ["", "plain text", "<", "<a", "<a href=https://a.example/", "<!--", "<plaintext>", "\x00",
     "<table><a href=https://a.example/><td>x" * 50, "<div>" * 3_000, "<b><p>" * 500],
)  # fmt: skip
def test_broken_messages_have_a_picture(html: str) -> None:
    """A message that no browser rejects is not rejected here."""
    assert message_picture(html, _links("https://a.example/"), {}).startswith("<")
