"""Rules for links: which are tracked, which are skipped and why, and their labels."""

import pytest

from hushpost_mail import CampaignSourceError, SkipReason, parse_template

from .rendered_html import TRACKING_URL


def tracked_urls(html: str, list_unsubscribe: str | None = None) -> list[str]:
    """Return the URLs in an HTML part that would be registered."""
    template = parse_template(html, tracking_url=TRACKING_URL, list_unsubscribe=list_unsubscribe)
    return [link.url for link in template.links]


def skip_reasons(html: str, list_unsubscribe: str | None = None) -> list[SkipReason]:
    """Return why the links in an HTML part are skipped. Fails if one is tracked."""
    template = parse_template(html, tracking_url=TRACKING_URL, list_unsubscribe=list_unsubscribe)
    assert not template.links
    return [link.reason for link in template.skipped_links]


def tracked_urls_in_text(text: str) -> list[str]:
    """Return the URLs in a text part that would be registered."""
    template = parse_template(None, text, tracking_url=TRACKING_URL)
    return [link.url for link in template.links]


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("https://example.com/?a=1&amp;b=2", "https://example.com/?a=1&b=2"),
        ("https://example.com/?a=1&amp;amp;b=2", "https://example.com/?a=1&amp;b=2"),
        ("https://example.com/?a=1&b=2&copy=3", "https://example.com/?a=1&b=2&copy=3"),
        ("https://example.com/&#x2F;&#47;&sol;", "https://example.com////"),
        ("\n https://example.com/a\n/b \t", "https://example.com/a/b"),
        ("https://example.com/a b&nbsp;c", "https://example.com/a%20b%C2%A0c"),
        ("HTTPS://EXAMPLE.com", "HTTPS://EXAMPLE.com"),
        ("https://example.com/%7Bok%7D?a[]=1&b=100%", "https://example.com/%7Bok%7D?a[]=1&b=100%"),
    ],
)
def test_an_href_is_decoded_once(href: str, url: str) -> None:
    """The registered URL is the one that a browser opens, with entities decoded once."""
    assert tracked_urls(f'<a href="{href}">x</a>') == [url]


@pytest.mark.parametrize(
    ("href", "reason"),
    [
        ("mailto:a@example.com", SkipReason.OTHER_SCHEME),
        ("tel:+45", SkipReason.OTHER_SCHEME),
        ("sms:+45", SkipReason.OTHER_SCHEME),
        ("cid:1@example.com", SkipReason.OTHER_SCHEME),
        ("data:,x", SkipReason.OTHER_SCHEME),
        ("ftp://example.com/", SkipReason.OTHER_SCHEME),
        ("#top", SkipReason.RELATIVE),
        ("", SkipReason.RELATIVE),
        ("a/b", SkipReason.RELATIVE),
        ("/a", SkipReason.RELATIVE),
        ("//example.com/a", SkipReason.RELATIVE),
        ("https:///a", SkipReason.NOT_REGISTRABLE),
        ("https://example.com:port/", SkipReason.NOT_REGISTRABLE),
        ("https://example.com/a&#1;b", SkipReason.NOT_REGISTRABLE),
        ("https://example.com/" + "a" * 8192, SkipReason.NOT_REGISTRABLE),
        ("https://example.com/{{id}}", SkipReason.PLACEHOLDER),
        ("https://example.com/%7B%7Bid%7D%7D", SkipReason.PLACEHOLDER),
        ("https://example.com/*|ID|*", SkipReason.PLACEHOLDER),
        ("https://example.com/%%ID%%", SkipReason.PLACEHOLDER),
        ("https://example.com/${id}", SkipReason.PLACEHOLDER),
        ("https://example.com/<%= id %>", SkipReason.PLACEHOLDER),
        ("https://example.com/[[id]]", SkipReason.PLACEHOLDER),
        ("https://example.com/%recipient.id%", SkipReason.PLACEHOLDER),
    ],
)
def test_links_that_cannot_be_tracked_are_skipped(href: str, reason: SkipReason) -> None:
    """A link without a final http destination is skipped with a reason."""
    assert skip_reasons(f'<a href="{href}">x</a>') == [reason]


def test_marked_links_are_skipped() -> None:
    """A link with the attribute data-hushpost is skipped."""
    assert skip_reasons('<a data-hushpost="off" href="https://example.com/">x</a>') == [
        SkipReason.MARKED
    ]
    assert skip_reasons('<a href="https://example.com/" DATA-HUSHPOST=Unsubscribe>x</a>') == [
        SkipReason.UNSUBSCRIBE
    ]


@pytest.mark.parametrize(
    "html",
    [
        '<div data-hushpost="off"><p><a href="https://example.com/">x</a></p></div>',
        '<table data-hushpost=OFF><tr><td><map><area href="https://example.com/"></table>',
        '<p data-hushpost="off"><!--[if mso]><a href="https://example.com/">x</a><![endif]--></p>',
        '<div><!--[if mso]><p data-hushpost="off"><a href="https://example.com/">x</a><![endif]--></div>',
    ],
)
def test_a_mark_applies_to_all_that_is_inside(html: str) -> None:
    """data-hushpost on an element applies to the links in it, also in conditional comments."""
    assert skip_reasons(html) == [SkipReason.MARKED]


def test_the_nearest_mark_counts() -> None:
    """A link can be tracked inside of an element whose links are not."""
    html = '<div data-hushpost="off"><a data-hushpost="on" href="https://example.com/">x</a></div>'
    assert tracked_urls(html) == ["https://example.com/"]


def test_links_of_the_list_unsubscribe_header_are_skipped() -> None:
    """A URL in List-Unsubscribe is skipped, despite a different case, entities or fragment."""
    header = "<mailto:leave@example.com>,\r\n <https://Example.com/leave?a=1&b=2>"
    html = '<a href="https://example.COM/leave?a=1&amp;b=2#now">x</a>'
    assert skip_reasons(html, list_unsubscribe=header) == [SkipReason.UNSUBSCRIBE]
    assert tracked_urls(html.replace("a=1", "a=2"), list_unsubscribe=header)


def test_a_repeated_url_is_two_links() -> None:
    """A URL that occurs twice is two links, labelled by the sender or by position."""
    html = (
        '<a href="https://example.com/" data-hushpost-label=" header\n logo ">x</a>'
        '<a href="https://example.com/">x</a>'
    )
    template = parse_template(html, "https://example.com/", tracking_url=TRACKING_URL)
    assert [(link.url, link.label) for link in template.links] == [
        ("https://example.com/", "header logo"),
        ("https://example.com/", "html:2"),
        ("https://example.com/", "text:1"),
    ]


def test_a_long_label_is_truncated() -> None:
    """A label is truncated to 128 bytes at a character boundary."""
    html = f'<a href="https://example.com/" data-hushpost-label="{"é" * 100}x">x</a>'
    (link,) = parse_template(html, tracking_url=TRACKING_URL).links
    assert link.label == "é" * 64


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("See https://example.com/a.", "https://example.com/a"),
        ("https://example.com/a, https", "https://example.com/a"),
        ("(https://example.com/a_(b))", "https://example.com/a_(b)"),
        ("<https://example.com/a?x=1&y=2>.", "https://example.com/a?x=1&y=2"),
        ("[text](https://example.com/a)", "https://example.com/a"),
        ("https://example.com/a!\r\nnext", "https://example.com/a"),
        ("https://example.com/a?\n", "https://example.com/a"),
        ('"https://example.com/a"', "https://example.com/a"),
        ("https://example.com/a&amp;b", "https://example.com/a&amp;b"),
        ("詳細は\uff08https://example.com/a\uff09をご覧ください。", "https://example.com/a"),
        ("詳細はhttps://example.com/a。次", "https://example.com/a"),
        ("HTTP://localhost:8080", "HTTP://localhost:8080"),
    ],
)
def test_punctuation_around_a_url_in_text_is_not_part_of_it(text: str, url: str) -> None:
    """A URL in text ends before punctuation, closing brackets and quotes."""
    assert tracked_urls_in_text(text) == [url]


@pytest.mark.parametrize(
    "text",
    [
        "www.example.com",
        "a@example.com",
        "ftp://example.com/",
        "mailto:a@example.com",
        "https://example.com/caf\u00e9",
        "https://example.com/aをご覧ください",
        "https://例え.example/",
        "<https://example.com/very\r\nlong>",
        "https://example.com/{{id}}",
        "https://example.com/*|ID|*",
        "https://example.com/(a",
    ],
)
def test_ambiguous_urls_in_text_are_not_tracked(text: str) -> None:
    """In text, a URL that is not http or whose end is ambiguous is not tracked."""
    assert tracked_urls_in_text(text) == []


def test_an_unsafe_tracking_url_is_rejected() -> None:
    """The tracking URL must be absolute, with no query and no quote."""
    for tracking_url in (
        "t.example.com",
        "https://t.example.com/?a",
        "https://t.example.com/'",
        "http://",
    ):
        with pytest.raises(ValueError, match="tracking_url"):
            parse_template("x", tracking_url=tracking_url)


def test_missing_and_mixed_parts_are_rejected() -> None:
    """A message needs a part, and both parts must have the same type."""
    with pytest.raises(CampaignSourceError, match="neither"):
        parse_template(None, tracking_url=TRACKING_URL)
    with pytest.raises(CampaignSourceError, match="same type"):
        parse_template("a", b"b", tracking_url=TRACKING_URL)  # type: ignore[call-overload]


def test_a_preference_link_needs_a_preference_token() -> None:
    """A message with a preference link is not rendered without a preference token."""
    template = parse_template("{{hushpost.preferences}}", tracking_url=TRACKING_URL)
    with pytest.raises(CampaignSourceError, match="preference"):
        template.render("T" * 56)
    assert template.render(None, "P").html == f"{TRACKING_URL}/p/P"


def test_links_in_deeply_nested_elements_are_found() -> None:
    """A link inside ten thousand open elements is found."""
    assert tracked_urls("<div>" * 10_000 + '<a href="https://example.com/">x</a>') == [
        "https://example.com/"
    ]
