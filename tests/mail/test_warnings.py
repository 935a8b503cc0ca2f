"""Warnings about a message: what the sender should look at, and nothing else."""

import pytest

from hushpost_mail import RawMessage, SkipReason, WarningKind, parse_template

from .rendered_html import TOKEN, TRACKING_URL


def warnings(html: str | None, text: str | None = None) -> list[tuple[WarningKind, str]]:
    """Return the warnings about a message."""
    template = parse_template(html, text, tracking_url=TRACKING_URL)
    return [(warning.kind, warning.detail) for warning in template.warnings]


@pytest.mark.parametrize(
    "html",
    [
        "<p>text</p><!-- never closed",
        "<frameset><frame></frameset>",
        "<plaintext>text",
        "<p>text</p><style>p { color: red }",
        "<title>never closed",
        "<textarea>",
        "<template><p>",
    ],
)
def test_a_pixel_that_is_not_loaded_is_reported(html: str) -> None:
    """Broken HTML in which a browser shows no image at the place of the pixel."""
    assert [kind for kind, _ in warnings(html)] == [WarningKind.PIXEL_NOT_LOADED]


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<!doctype html><html><body><p>text</p></body></html>\r\n",
        "<table><tr><td>never closed",
        "<!--[if mso]><p><![endif]--><b>",
        "<noscript><p>text",
        "<select><option>",
        "<svg><g>",
    ],
)
def test_a_pixel_that_is_loaded_is_not_reported(html: str) -> None:
    """Unclosed elements that show images are no reason for a warning."""
    assert warnings(html) == []


@pytest.mark.parametrize("header", ["DKIM-Signature", "ARC-Message-Signature"])
def test_a_signature_that_becomes_invalid_is_reported(header: str) -> None:
    """A signed message has to be signed after rendering."""
    source = f"{header.lower()}: v=1; a=x\r\nSubject: x\r\n\r\ntext".encode()
    template = parse_template(RawMessage(source), tracking_url=TRACKING_URL)
    assert [(warning.kind, warning.detail) for warning in template.warnings] == [
        (WarningKind.SIGNATURE_INVALID, header)
    ]


def test_an_inline_signature_is_reported() -> None:
    """OpenPGP without MIME signs the text itself."""
    text = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nhttps://example.com/\n"
    assert warnings(None, text) == [(WarningKind.SIGNATURE_INVALID, "inline OpenPGP")]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://example.com/unsubscribe?id=1", "here"),
        ("https://example.com/x", "<b>Newsletter</b> abbestellen"),
        ("https://example.com/x", "Se d&eacute;sinscrire"),
        ("https://example.com/x", "Darse de baja"),
        ("https://example.com/x", "Annulla l'iscrizione"),
        ("https://example.com/opt_out", "here"),
    ],
)
def test_a_tracked_link_that_seems_to_unsubscribe_is_reported(url: str, text: str) -> None:
    """By its URL or its text, in the languages of the preference page."""
    assert warnings(f'<a href="{url}">{text}</a>') == [(WarningKind.LOOKS_LIKE_UNSUBSCRIBE, url)]
    assert warnings(f'<a data-hushpost="unsubscribe" href="{url}">{text}</a>') == []


@pytest.mark.parametrize(
    ("url", "is_reported"),
    [
        ("https://example.com/?e=EMAIL", True),
        ("https://example.com/?name=FIRST_NAME&x=1", True),
        ("https://example.com/?id=subscriber_id", True),
        ("https://example.com/%5BNAME%5D", True),
        ("https://example.com/?a=$name", True),
        ("https://example.com/?utm_source=MAIL&lang=DE", False),
        ("https://example.com/?a[]=1&b[c][d]=2", False),
        ("http://[::1]/", False),
    ],
)
def test_a_tracked_link_that_seems_to_have_a_placeholder_is_reported(
    url: str, *, is_reported: bool
) -> None:
    """Names that often are fields; usual URLs raise no warning."""
    expected = [(WarningKind.LOOKS_LIKE_PLACEHOLDER, url)] if is_reported else []
    assert warnings(f'<a href="{url}">x</a>') == expected


def test_a_rendered_message_is_not_tracked_again() -> None:
    """Links to the edge stay, and one warning per link says so."""
    url = f"HTTPS://T.example.com/c/{TOKEN}/1"
    html = f'<a href="{url}">a</a><a href="{url}">b</a><a href="{TRACKING_URL}/cards">c</a>'
    template = parse_template(html, tracking_url=f"{TRACKING_URL}/")
    assert [link.url for link in template.links] == [f"{TRACKING_URL}/cards"]
    assert {link.reason for link in template.skipped_links} == {SkipReason.ALREADY_TRACKED}
    assert [(each.kind, each.detail) for each in template.warnings] == [
        (WarningKind.ALREADY_TRACKED, url)
    ]
