"""Generated contents: whatever stands around the links, only the links change."""

import re
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

import hushpost_mail
from hushpost_mail._charset import decode
from hushpost_mail._quoted_printable import QuotedPrintable

from .undoing import (
    CLICK,
    TOKEN,
    TRACKING_URL,
    destination,
    written_in_place_of_links,
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
CONTENTS = st.lists(st.one_of(NOISE, ANCHORS), max_size=25).map("".join)
NOT_SHOWN = frozenset({"style", "title", "script"})
FREE_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
# Without control characters: an escape is a change of state in some charsets.
PRINTABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80)


@settings(max_examples=400, deadline=None)
@given(CONTENTS)
def test_only_links_change_in_any_html(original: str) -> None:
    """Taking links and pixel out again gives the content, however broken it is."""
    template = hushpost_mail.prepare(original, tracking_url=TRACKING_URL)
    rendered = template.fill(TOKEN).html or ""
    found = written_in_place_of_links(rendered, original)
    assert [destination(written) for _, written in found] == [link.url for link in template.links]
    assert template.fill("").html == original


@settings(max_examples=400, deadline=None)
@given(CONTENTS)
def test_what_a_parser_shows_is_what_is_rewritten(original: str) -> None:
    """An independent parser finds none of the links that it found before, and all in their place."""
    # The parsers differ over a body that ends within an SVG.
    assume(not re.search(r"<svg>.*</(?:body|html)>", original, re.DOTALL))
    template = hushpost_mail.prepare(original, tracking_url=TRACKING_URL)
    before = links_shown(original)
    after = links_shown(template.fill(TOKEN).html or "")
    numbers = {int(found[1]) for url in after if (found := CLICK.fullmatch(url))}
    assert {template.links[number - 1].url for number in numbers} == before
    assert len(after) == len(numbers)


def links_shown(html: str) -> set[str]:
    """Answer the links to the web outside of what is never shown."""
    return {
        str(node.attributes.get("href") or node.attributes.get("xlink:href"))
        for node in LexborHTMLParser(html).css("a[href^=http], area[href^=http]")
        if not NOT_SHOWN.intersection(tags_around(node))
        and not (node.tag == "area" and "svg" in tags_around(node))  # SVG has no such links
    }


def tags_around(node: Any) -> list[str]:
    """Answer the tags of an element's ancestors."""
    tags = []
    while (node := node.parent) is not None:
        tags.append(node.tag)
    return tags


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(FREE_TEXT, URLS), max_size=8).map(" ".join))
def test_only_urls_change_in_any_text(original: str) -> None:
    """Putting the URLs back in place of the tracking URLs gives the text."""
    template = hushpost_mail.prepare(None, original, tracking_url=TRACKING_URL)
    rendered = template.fill(TOKEN).text or ""
    assert CLICK.sub(lambda url: template.links[int(url[1]) - 1].url, rendered) == original
    assert template.fill("").text == original


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(PRINTABLE, st.just("日本語"), st.just("<a href='https://example.com/'>"))),
    st.sampled_from(
        ["utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "gb18030", "utf-16", "cp1252", "utf-7"]
    ),
)
def test_only_links_change_in_any_charset(pieces: list[str], charset: str) -> None:
    """In every charset, decoding what was rendered gives what rendering the text gives."""
    content = "".join(pieces).encode(charset, "replace")
    text = content.decode(charset)
    rendered = hushpost_mail.prepare(content, tracking_url=TRACKING_URL, charset=charset).fill(
        TOKEN
    )
    expected = hushpost_mail.prepare(text, tracking_url=TRACKING_URL).fill(TOKEN)
    assert (rendered.html or b"").decode(charset) == expected.html


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["utf-8", "iso-2022-jp", "shift_jis", "x-unknown"]))
def test_bytes_that_are_of_no_charset_stay(noise: bytes, charset: str) -> None:
    """Bytes that the charset does not know are left where they are."""
    decoded = decode(noise + b"\n", charset)
    assert decoded.size == len(noise) + 1
    template = hushpost_mail.prepare(noise, tracking_url=TRACKING_URL, charset=charset)
    assert (template.fill(TOKEN).html or b"").startswith(noise.partition(b"<")[0])
    assert template.fill("").html == noise


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_quoted_printable_is_decoded_with_places(content: bytes) -> None:
    """Each decoded byte knows where it stands, and they are those that the library decodes."""
    from quopri import decodestring, encodestring  # noqa: PLC0415

    encoded = encodestring(content.replace(b"\r", b""), quotetabs=True)
    source = QuotedPrintable.decode(encoded)
    assert source.content == decodestring(encoded)
    assert len(source.starts) == len(source.ends) == len(source.content) + 1
    for index, byte in enumerate(source.content):
        unit = encoded[source.starts[index] : source.ends[index + 1]]
        assert unit in (bytes([byte]), b"=%02X" % byte)
