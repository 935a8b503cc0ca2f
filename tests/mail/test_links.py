"""Which links are rewritten, which are left and why, and what is registered."""

import pytest

import hushpost_mail
from hushpost_mail import CampaignSourceError, SkipReason

from .undoing import TRACKING_URL


def found(html: str, unsubscribe: str = "") -> list[str]:
    """Answer the URLs that would be registered for an HTML part."""
    template = hushpost_mail.prepare(html, tracking_url=TRACKING_URL, unsubscribe=unsubscribe)
    return [link.url for link in template.links]


def left(html: str, unsubscribe: str = "") -> list[SkipReason]:
    """Answer why the links of an HTML part are left."""
    template = hushpost_mail.prepare(html, tracking_url=TRACKING_URL, unsubscribe=unsubscribe)
    assert not template.links
    return [link.reason for link in template.skipped_links]


def found_in_text(text: str) -> list[str]:
    """Answer the URLs that would be registered for a text part."""
    template = hushpost_mail.prepare(None, text, tracking_url=TRACKING_URL)
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
    """The registered URL is what a browser goes to, its entities decoded once."""
    assert found(f'<a href="{href}">x</a>') == [url]


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
def test_links_that_can_not_be_tracked_are_left(href: str, reason: SkipReason) -> None:
    """A link that leads nowhere on the web, or nobody knows where yet, is left with a reason."""
    assert left(f'<a href="{href}">x</a>') == [reason]


def test_marked_links_are_left() -> None:
    """A mark on the link leaves it alone."""
    assert left('<a data-hushpost="off" href="https://example.com/">x</a>') == [SkipReason.MARKED]
    assert left('<a href="https://example.com/" DATA-HUSHPOST=Unsubscribe>x</a>') == [
        SkipReason.UNSUBSCRIBE
    ]


def test_links_of_the_unsubscribe_header_are_left() -> None:
    """A link to a URL of List-Unsubscribe is left, however host and entities are written."""
    header = "<mailto:leave@example.com>,\r\n <https://Example.com/leave?a=1&b=2>"
    html = '<a href="https://example.COM/leave?a=1&amp;b=2#now">x</a>'
    assert left(html, unsubscribe=header) == [SkipReason.UNSUBSCRIBE]
    assert found(html.replace("a=1", "a=2"), unsubscribe=header)


def test_a_url_at_two_places_is_two_links() -> None:
    """The same URL twice is two links, labelled by their places or by the sender."""
    html = (
        '<a href="https://example.com/" data-hushpost-label=" header\n logo ">x</a>'
        '<a href="https://example.com/">x</a>'
    )
    template = hushpost_mail.prepare(html, "https://example.com/", tracking_url=TRACKING_URL)
    assert [(link.url, link.label) for link in template.links] == [
        ("https://example.com/", "header logo"),
        ("https://example.com/", "html:2"),
        ("https://example.com/", "text:1"),
    ]


def test_a_label_is_cut_to_what_the_authority_takes() -> None:
    """A label is at most 128 bytes, and still of whole characters."""
    html = f'<a href="https://example.com/" data-hushpost-label="{"é" * 100}x">x</a>'
    (link,) = hushpost_mail.prepare(html, tracking_url=TRACKING_URL).links
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
def test_urls_end_where_a_reader_sees_their_end(text: str, url: str) -> None:
    """Punctuation, brackets and quotes around a URL in text are not of it."""
    assert found_in_text(text) == [url]


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
def test_urls_without_a_sure_end_are_left(text: str) -> None:
    """In text, what is no http URL or may go on beyond what was found is left alone."""
    assert found_in_text(text) == []


def test_a_tracking_url_has_to_fit_everywhere() -> None:
    """The edge's address may hold nothing that ends an attribute or a query."""
    for address in (
        "t.example.com",
        "https://t.example.com/?a",
        "https://t.example.com/'",
        "http://",
    ):
        with pytest.raises(ValueError, match="tracking_url"):
            hushpost_mail.prepare("x", tracking_url=address)


def test_there_must_be_a_message() -> None:
    """Nothing can't be compiled, and neither can a mix of str and bytes."""
    with pytest.raises(CampaignSourceError, match="neither"):
        hushpost_mail.prepare(None, tracking_url=TRACKING_URL)
    with pytest.raises(CampaignSourceError, match="one kind"):
        hushpost_mail.prepare("a", b"b", tracking_url=TRACKING_URL)  # type: ignore[call-overload]


def test_a_preference_link_needs_its_token() -> None:
    """A message with a place for a preference link is not rendered without one."""
    template = hushpost_mail.prepare("{{hushpost.preferences}}", tracking_url=TRACKING_URL)
    with pytest.raises(CampaignSourceError, match="preference"):
        template.fill("T" * 56)
    assert template.fill("", "P").html == f"{TRACKING_URL}/p/P"


def test_deep_nesting_is_no_obstacle() -> None:
    """Ten thousand open elements do not keep a link from being found."""
    assert found("<div>" * 10_000 + '<a href="https://example.com/">x</a>') == [
        "https://example.com/"
    ]
