"""Property tests: in any content, only links, pixel and preference links change."""

from quopri import decodestring, encodestring
from typing import Any
from unittest.mock import patch

import html5lib
from html5lib import constants
from hypothesis import example, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from hushpost_mail import parse_template
from hushpost_mail._charset import decode
from hushpost_mail._quoted_printable import QuotedPrintable
from hushpost_mail._segments import Replacement, TokenKind

from .rendered_html import (
    REDIRECT_URL,
    TOKEN,
    TRACKING_URL,
    browser_destination,
    replaced_hrefs,
)

URLS = st.sampled_from(
    ["https://example.com/a", "http://example.com/?a=1&amp;b=2&copy=3", "https://example.com/é#x"]
)
ANCHORS = st.builds(
    str.format,
    st.sampled_from(
        [
            '<a href="{}">',
            "<A\nHREF = '{}' >",
            "<a href={}>",
            '<a class=x href="{}"id=y>',
            '<a title="a > b" href="{}" href="#">',
            '<area href="{}"/>',
            '<svg><a xlink:href="{}"></svg>',
            '<!--[if mso]><a href="{}"><![endif]-->',
            '<![if !mso]><a href="{}"><![endif]>',
            '<!-- <a href="{}"> -->',
            "<style><a href='{}'></style>",
            "<script>'<a href={}>'</script>",
            "<textarea><a href={}></textarea>",
            '<p title="<a href={}>">',
        ]
    ),
    URLS,
)
NOISE = st.sampled_from(
    [
        *("text ", "é", "😀", "&amp;", "&", "<", ">", '"', "'", "\r\n", "\n", "\r", "\x00", "\t"),
        *("<b>", "</b>", "<p>", "</p>", "</a>", "<table><tr><td>", "</table>", "<br/>", "</body>"),
        *("<body>", "</html>", "<!doctype html>", "<title>", "</title>", "<!--", "-->", "--!>"),
        *("<![CDATA[", "]]>", "<svg>", "</svg>", "<style>", "</style>", "<a", "<a href=", "<?x"),
        *("{{ name }}", "*|X|*", "<% x %>", "</", "<!", "=", "/>", "[if mso]>", "<![endif]-->"),
    ]
)
HTML = st.lists(st.one_of(NOISE, ANCHORS), max_size=25).map("".join)
SVG_NAMESPACE = "http://www.w3.org/2000/svg"
SVG = f"{{{SVG_NAMESPACE}}}"
SPECIAL_ELEMENTS = constants.specialElements | {(SVG_NAMESPACE, "desc"), (SVG_NAMESPACE, "title")}
"""Elements that the standard calls special. html5lib lacks two: it would end a link that began before an
SVG when another one begins in the title of the SVG."""

XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
LINK_TAGS = ("{http://www.w3.org/1999/xhtml}a", "{http://www.w3.org/1999/xhtml}area", f"{SVG}a")
LINK_IN_SVG_TITLE = '<a href="https://example.com/a"><svg><title><a href="https://example.com/b">'
SVG_OPEN_AT_END_OF_BODY = '<svg></body><style><style></style><a href="https://example.com/a">'
HIDDEN_TAGS = frozenset({"style", "title", "script"})
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
# Without control characters, because an escape switches the state of some charsets.
PRINTABLE_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80)


@settings(max_examples=400, deadline=None)
@given(HTML)
def test_only_links_change_in_any_html(original: str) -> None:
    """Removing links and pixel from rendered HTML gives the source, even if it is malformed."""
    template = parse_template(original, tracking_url=TRACKING_URL)
    hrefs = replaced_hrefs(template.render(TOKEN).html or "", original)
    assert [browser_destination(href) for _, href in hrefs] == [link.url for link in template.links]
    assert template.render(None).html == original


@settings(max_examples=400, deadline=None)
@given(HTML)
@example(SVG_OPEN_AT_END_OF_BODY)
def test_all_visible_links_are_rewritten(original: str) -> None:
    """An independent parser finds a redirect link in place of every link of the source."""
    template = parse_template(original, tracking_url=TRACKING_URL)
    before = visible_links(original)
    after = visible_links(template.render(TOKEN).html or "")
    numbers = {int(found[1]) for url in after if (found := REDIRECT_URL.fullmatch(url))}
    assert {template.links[number - 1].url for number in numbers} == before
    assert len(after) == len(numbers)


def visible_links(html: str) -> set[str]:
    """Return the http links outside of elements that browsers do not show."""
    return {
        str(node.attributes.get("href") or node.attributes.get("xlink:href"))
        for node in LexborHTMLParser(html).css("a[href^=http], area[href^=http]")
        if not HIDDEN_TAGS.intersection(ancestor_tags(node))
        and not (node.tag == "area" and "svg" in ancestor_tags(node))  # not a link in SVG
    }


@settings(max_examples=300, deadline=None)
@given(HTML)
@example(LINK_IN_SVG_TITLE)
def test_html5lib_sees_the_same_links(original: str) -> None:
    """A second independent parser, of the standard's own tests, agrees about every link."""
    template = parse_template(original, tracking_url=TRACKING_URL)
    rendered = template.render(TOKEN).html or ""
    after = html5lib_links(rendered)
    numbers = {int(found[1]) for url in after if (found := REDIRECT_URL.fullmatch(url))}
    before = {url for url in html5lib_links(original) if url.startswith("http")}
    assert {template.links[number - 1].url for number in numbers} == before
    assert not before.intersection(after)


def html5lib_links(html: str) -> set[str]:
    """Return the links outside of elements that browsers do not show."""
    with patch("html5lib.html5parser.specialElements", SPECIAL_ELEMENTS):
        tree = html5lib.parse(html, treebuilder="etree")
    hidden = {
        link
        for tag in HIDDEN_TAGS
        for element in tree.iter(f"{SVG}{tag}")
        for link in element.iter()
    }
    return {
        value
        for element in tree.iter()
        if element.tag in LINK_TAGS and element not in hidden
        for value in (element.get("href"), element.get(XLINK_HREF))
        if value is not None
    }


def ancestor_tags(node: Any) -> list[str]:
    """Return the tags of the ancestors of an element."""
    tags = []
    while (node := node.parent) is not None:
        tags.append(node.tag)
    return tags


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(ANY_TEXT, URLS), max_size=8).map(" ".join))
def test_only_urls_change_in_any_text(original: str) -> None:
    """Putting the URLs back into a rendered text gives the source."""
    template = parse_template(None, original, tracking_url=TRACKING_URL)
    rendered = template.render(TOKEN).text or ""
    assert REDIRECT_URL.sub(lambda url: template.links[int(url[1]) - 1].url, rendered) == original
    assert template.render(None).text == original


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(PRINTABLE_TEXT, st.just("日本語"), st.just("<a href='https://example.com/'>"))
    ),
    st.sampled_from(
        ["utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "gb18030", "utf-16", "cp1252", "utf-8-sig"]
    ),
)
def test_only_links_change_in_any_charset(pieces: list[str], charset: str) -> None:
    """Rendering bytes equals rendering the decoded text, in every charset."""
    content = "".join(pieces).encode(charset, "replace")
    text = content.decode(charset)
    from_bytes = parse_template(content, tracking_url=TRACKING_URL, charset=charset)
    from_text = parse_template(text, tracking_url=TRACKING_URL)
    rendered = from_bytes.render(TOKEN).html or b""
    assert rendered.decode(charset) == from_text.render(TOKEN).html


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["utf-8", "iso-2022-jp", "shift_jis", "x-unknown"]))
def test_invalid_bytes_stay_unchanged(noise: bytes, charset: str) -> None:
    """Bytes that are invalid in the charset keep their place and value."""
    decoded = decode(noise + b"\n", charset)
    assert decoded.size == len(noise) + 1
    template = parse_template(noise, tracking_url=TRACKING_URL, charset=charset)
    assert (template.render(TOKEN).html or b"").startswith(noise.partition(b"<")[0])
    assert template.render(None).html == noise


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_quoted_printable_is_decoded_with_positions(content: bytes) -> None:
    """Decoding equals `quopri`, and each byte has the position of its encoded form."""
    encoded = encodestring(content.replace(b"\r", b""), quotetabs=True)
    source = QuotedPrintable.decode(encoded)
    assert source.content == decodestring(encoded)
    indexes = range(len(source.content))
    found = source.encoded_replacements(
        [Replacement(index, index + 1, b"", TokenKind.LINK, b"") for index in indexes]
    )
    for byte, replacement in zip(source.content, found, strict=True):
        unit = encoded[replacement.start : replacement.end]
        assert unit in (bytes([byte]), b"=%02X" % byte)
