"""Messages whose pixel and links have different tokens, or of which only one is tracked."""

import email
import email.policy
import re
from email.message import EmailMessage

import pytest

from hushpost_client import IssuedToken, Mode
from hushpost_mail import Mail, Parts, Template, parse_template

from .rendered_html import PREFERENCE_TOKEN, TRACKING_URL

PIXEL_TOKEN, LINK_TOKEN = "PIXEL-_-" * 7, "LINKS-_-" * 7
HTML = (
    '<p>Ünï {{hushpost.preferences}} <a href="https://example.com/a">a</a>\n'
    "</p></body><a href='https://example.com/b'>b</a> {{hushpost.preferences}}\n"
)
TEXT = "https://example.com/a, {{hushpost.preferences}}\nhttps://example.com/b\n"
PREFERENCES = f"{TRACKING_URL}/p/{PREFERENCE_TOKEN}"
PIXEL = re.compile(rf'<img src="{TRACKING_URL}/o/([\w-]{{56}})\.gif"[^<>]*/>')
LINK = re.compile(rf"{TRACKING_URL}/c/([\w-]{{56}})/(\d)")

TOKENS = {
    "both": (PIXEL_TOKEN, LINK_TOKEN),
    "only the pixel": (PIXEL_TOKEN, None),
    "only links": (None, LINK_TOKEN),
    "the same": (LINK_TOKEN, LINK_TOKEN),
    "neither": (None, None),
}


def _issued(token: str | None, click_token: str | None) -> IssuedToken:
    return IssuedToken(
        contact_id="ann",
        mode=Mode.IDENTIFIED,
        token=token,
        preference_token=PREFERENCE_TOKEN,
        click_mode=Mode.ANONYMOUS,
        click_token=click_token,
    )


def _expected(
    source: str, token: str | None, click_token: str | None, first_link: int, *, is_html: bool
) -> tuple[str, list[str], list[tuple[str, str]]]:
    """Return the rendered source without tracking, and its pixels and links."""
    links = [] if click_token is None else [(click_token, str(first_link + n)) for n in range(2)]
    pixels = [token] if token and is_html else []
    return source.replace("{{hushpost.preferences}}", PREFERENCES), pixels, links


def _found(rendered: str) -> tuple[str, list[str], list[tuple[str, str]]]:
    """Return rendered content without its tracking, and its pixels and links."""
    numbers = {number: "ab"[(int(number) + 1) % 2] for number in "1234"}
    without_pixel = PIXEL.sub("", rendered)
    untracked = LINK.sub(lambda link: f"https://example.com/{numbers[link[2]]}", without_pixel)
    return untracked, PIXEL.findall(rendered), LINK.findall(rendered)


@pytest.mark.parametrize("tokens", TOKENS.values(), ids=TOKENS)
def test_pixel_and_links_have_their_own_tokens(tokens: tuple[str | None, str | None]) -> None:
    """What has no token stays as it was, and everything else as well."""
    issued = _issued(*tokens)
    parts = parse_template(HTML, TEXT, tracking_url=TRACKING_URL).render_issued(issued)
    assert _found(parts.html or "") == _expected(HTML, *tokens, 1, is_html=True)
    assert _found(parts.text or "") == _expected(TEXT, *tokens, 3, is_html=False)
    template = parse_template(
        HTML.encode("latin-1"), TEXT.encode(), tracking_url=TRACKING_URL, charset="latin-1"
    )
    encoded = template.render_issued(issued)
    assert (encoded.html or b"").decode("latin-1") == parts.html
    assert (encoded.text or b"").decode() == parts.text


@pytest.mark.parametrize("cte", ["quoted-printable", "base64", "8bit"])
@pytest.mark.parametrize("tokens", TOKENS.values(), ids=TOKENS)
def test_mime_messages_too(cte: str, tokens: tuple[str | None, str | None]) -> None:
    """In each transfer encoding."""
    message = EmailMessage(policy=email.policy.SMTP)
    message.set_content(TEXT, cte=cte)
    message.add_alternative(HTML, subtype="html", cte=cte)
    template = parse_template(message, tracking_url=TRACKING_URL)
    rendered = email.message_from_bytes(
        bytes(template.render_issued(_issued(*tokens))), policy=email.policy.default
    )
    for kind, source, first_link in (("plain", TEXT, 1), ("html", HTML, 3)):
        part = rendered.get_body((kind,))
        assert part is not None
        content = str(part.get_content()).replace("\r\n", "\n")
        assert _found(content) == _expected(source, *tokens, first_link, is_html=kind == "html")


def test_base64_parts_without_tracking_are_not_encoded_again() -> None:
    """A part that has neither a link nor the pixel keeps its bytes, also unusual line lengths."""
    lines = b"SGVqIQo=\r\n"
    source = b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n" + lines[:4]
    source += b"\r\n" + lines[4:]
    template: Template[Mail] = parse_template(
        email.message_from_bytes(source), tracking_url=TRACKING_URL
    )
    assert bytes(template.render_issued(_issued(PIXEL_TOKEN, LINK_TOKEN))) == source


def test_one_token_is_for_both() -> None:
    """`render` with a token gives the pixel and links the same one."""
    template: Template[Parts[str]] = parse_template(HTML, TEXT, tracking_url=TRACKING_URL)
    same = template.render_issued(_issued(LINK_TOKEN, LINK_TOKEN))
    assert template.render(LINK_TOKEN, PREFERENCE_TOKEN) == same
    neither = template.render_issued(_issued(None, None))
    assert template.render(None, PREFERENCE_TOKEN) == neither
