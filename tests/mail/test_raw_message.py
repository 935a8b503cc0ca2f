"""Messages as bytes: everything outside links and pixel stays, however it is written."""

import email
import email.policy
from email.message import EmailMessage

import pytest

from hushpost_mail import CampaignSourceError, Mail, RawMessage, Template, parse_template

from .rendered_html import TOKEN, TRACKING_URL

# Everything that the email package writes differently: white space around colons and in
# folded lines, encoded words, empty headers, long lines, raw UTF-8, preamble and epilogue.
ODD = (
    "Received: from a\r\n\tby b;\r\n   Thu, 1 Jan 2026 00:00:00 +0000\r\n"
    "SUBJECT:=?utf-8?q?Gr=C3=BC=C3=9Fe?= und\r\n  mehr\r\n"
    "X-Empty:\r\nX-Space:   \r\nX-Raw: Grüße\r\n"
    f"X-Long: {'word ' * 60}end\r\n"
    'Content-type: MULTIPART/Alternative;\r\n\tboundary="=_b"; x=y\r\n\r\n'
    "preamble\r\n\r\n--=_b  \r\n"
    "Content-Type: text/plain; charset=utf-8\r\n\r\nHallo https://example.com/1 ü\r\n"
    "--=_b\r\ncontent-TYPE:text/html;charset=UTF-8\r\n\r\n"
    '<p>ü <a href="https://example.com/2">2</a></p>\r\n--=_b--\r\nepilogue'
).encode()


def parsed(message: bytes) -> Template[Mail]:
    """Parse a message."""
    return parse_template(RawMessage(message), tracking_url=TRACKING_URL)


def without_tracking(mail: bytes) -> bytes:
    """Undo the replacements of two links and the pixel."""
    for number in (1, 2):
        url = f"{TRACKING_URL}/c/{TOKEN}/{number}".encode()
        assert url in mail
        mail = mail.replace(url, b"https://example.com/%d" % number)
    start = mail.index(b"<img")
    return mail[:start] + mail[mail.index(b">", start) + 1 :]


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_all_bytes_outside_links_stay(line_end: bytes) -> None:
    """Headers are not folded anew, and line ends become CRLF."""
    template = parsed(ODD.replace(b"\r\n", line_end))
    assert bytes(template.render(None)) == ODD
    assert without_tracking(bytes(template.render(TOKEN))) == ODD


def test_a_message_of_the_email_package_keeps_its_folding() -> None:
    """Headers that were folded in the source have the same lines in the mail."""
    source = (
        b"Subject: one\r\n two\r\nX-Long: " + b"word " * 30 + b"\r\n"
        b"Content-Type: text/plain\r\n\r\ntext\r\n"
    )
    for policy in (email.policy.compat32, email.policy.default):
        message = email.message_from_bytes(source, policy=policy)
        template = parse_template(message, tracking_url=TRACKING_URL)
        assert bytes(template.render(TOKEN)) == source


def test_a_message_that_cannot_be_serialized_is_an_error() -> None:
    """The email package raises errors of any type; they become one that says what to do."""
    nested = EmailMessage(policy=email.policy.default)
    nested.set_content("text")
    nested["Subject"] = "x"
    nested.set_payload(3)  # type: ignore[call-overload]
    message = EmailMessage()
    message.set_content("text")
    message.add_attachment(nested)
    with pytest.raises(CampaignSourceError, match="RawMessage"):
        parse_template(message, tracking_url=TRACKING_URL)


@pytest.mark.parametrize(
    "charset", ["idna", "punycode", "unicode_escape", "undefined", "utf-7", "hex", "x\x00y", "ü"]
)
def test_codecs_that_are_no_charsets_are_read_as_ascii(charset: str) -> None:
    """A part that names one is tracked, and its other bytes stay."""
    source = (
        f"Content-Type: text/plain; charset={charset}\r\n\r\nü\\u0041+AGE- https://example.com/1"
    )
    rendered = bytes(parsed(source.encode()).render(TOKEN))
    assert rendered.endswith(f"ü\\u0041+AGE- {TRACKING_URL}/c/{TOKEN}/1".encode())


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("encoding", ["8bit", "base64"])
def test_inserted_text_has_no_byte_order_mark(mark: bytes, encoding: str) -> None:
    """`utf-8-sig` reads a mark at the beginning; it does not come back at every link."""
    html = mark + '<p>ü <a href="https://example.com/1">1</a></p>'.encode()
    message = EmailMessage()
    message.set_content(html, "text", "html", cte=encoding)
    message.set_param("charset", "utf-8-sig")
    mail = parse_template(message, tracking_url=TRACKING_URL).render(TOKEN)
    content = email.message_from_bytes(bytes(mail)).get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.count(b"\xef\xbb\xbf") == len(mark) // 3
    assert f'<a href="{TRACKING_URL}/c/{TOKEN}/1">'.encode() in content


FLOWED = b"Content-Type: text/plain; charset=utf-8; Format=Flowed; DelSp=Yes\r\n\r\n"


@pytest.mark.parametrize(
    ("text", "url", "expected"),
    [
        (
            "ü see https://example.com/a/ \r\nlong/path  \r\nnow",
            "https://example.com/a/long/path",
            "ü see {}  \r\nnow",
        ),
        ("> https://example.com/ \r\n> a \r\n> b\r\n", "https://example.com/ab", "> {}\r\n"),
        ("https://example.com/a  \r\nb", "https://example.com/a", "{}  \r\nb"),
        ("https://example.com/a\r\nb", "https://example.com/a", "{}\r\nb"),
        ("> https://example.com/a \r\n>> b", "https://example.com/a", "> {} \r\n>> b"),
        ("https://example.com/a \r\n", "https://example.com/a", "{} \r\n"),
        ("-- \r\nhttps://example.com/a", "https://example.com/a", "-- \r\n{}"),
        ("a \r\n https://example.com/b", "https://example.com/b", None),
    ],
)
def test_a_url_goes_on_after_a_soft_break(text: str, url: str, expected: str | None) -> None:
    """With format=flowed and DelSp=yes, a line that ends in a space goes on in the next one."""
    template = parsed(FLOWED + text.encode())
    if expected is None:  # "ahttps://…" for readers: no URL
        assert template.links == ()
        return
    assert [link.url for link in template.links] == [url]
    assert bytes(template.render(None)) == FLOWED + text.encode()
    tracked = expected.format(f"{TRACKING_URL}/c/{TOKEN}/1")
    assert bytes(template.render(TOKEN)) == FLOWED + tracked.encode()
