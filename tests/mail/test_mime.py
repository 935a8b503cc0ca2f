"""MIME messages: text and HTML parts are edited in place, headers and other parts stay."""

import email
import email.policy
from email.message import EmailMessage, Message
from email.mime.text import MIMEText
from typing import Any

import pytest

from hushpost_mail import CampaignSourceError, Mail, parse_template

from .rendered_html import PIXEL, PREFERENCE_TOKEN, TOKEN, TRACKING_URL, replaced_hrefs

HTML = (
    "<html><body>\n<p>Smørrebrød, 100% &amp; more = good</p>\n"
    '<a href="https://example.com/a?b=1&amp;c=2" data-hushpost-label="top">en</a>   \n'
    "<a href='https://example.com/leave'>leave</a> <img src=\"cid:logo\">\n</body></html>\n"
)
TEXT = "Hej!\nhttps://example.com/a?b=1&c=2 (https://example.com/b).\n"


def newsletter(**html_options: Any) -> EmailMessage:
    """Create a newsletter with alternative parts, a related image and attachments."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = "Ünï <news@example.com>"
    message["To"] = "list@example.com"
    message["Subject"] = "Forår — " + "long " * 30
    message["List-Unsubscribe"] = "<https://example.com/leave>"
    message.set_content(TEXT)
    message.add_alternative(HTML, subtype="html", **html_options)
    html = message.get_payload(1)
    assert isinstance(html, EmailMessage)
    html.add_related(b"\x89PNG", maintype="image", subtype="png", cid="<logo>")
    message.add_attachment(HTML, subtype="html", filename="copy.html")
    message.add_attachment(TEXT, filename="https.txt")
    message.as_bytes()  # generates the boundaries
    return message


def parsed(mail: Mail) -> EmailMessage:
    """Parse a mail and check that it has no defects."""
    message = email.message_from_bytes(bytes(mail), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not [part.defects for part in message.walk() if part.defects]
    return message


def content(message: EmailMessage, kind: str) -> str:
    """Return the decoded content of a part with LF line ends."""
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize("cte", ["quoted-printable", "base64", "8bit"])
@pytest.mark.parametrize("charset", ["utf-8", "windows-1252"])
def test_parts_are_edited_in_every_transfer_encoding(cte: str, charset: str) -> None:
    """Only links and pixel change in text and HTML; all other bytes stay the same."""
    original = newsletter(cte=cte, charset=charset)
    template = parse_template(original, tracking_url=TRACKING_URL)
    mail = template.render(TOKEN, PREFERENCE_TOKEN)
    message = parsed(mail)
    assert [link.label for link in template.links] == ["text:1", "text:2", "top"]
    hrefs = replaced_hrefs(content(message, "html"), HTML)
    assert hrefs == [(3, "https://example.com/a?b=1&amp;c=2")]
    text = content(message, "plain")
    for number in (1, 2):
        text = text.replace(f"{TRACKING_URL}/c/{TOKEN}/{number}", template.links[number - 1].url)
    assert text == TEXT
    assert mail.header == original.as_bytes().partition(b"\r\n\r\n")[0] + b"\r\n"
    assert other_parts(message) == other_parts(original)
    assert all(len(line) <= 998 for line in bytes(mail).split(b"\r\n"))


def other_parts(message: Message) -> list[bytes]:
    """Return the images and attachments."""
    return [
        part.as_bytes(policy=email.policy.SMTP)
        for part in message.walk()
        if part.get_content_maintype() == "image" or part.get_filename()
    ]


@pytest.mark.parametrize("cte", ["quoted-printable", "base64", "8bit"])
def test_an_off_mail_equals_its_source(cte: str) -> None:
    """Rendering without a token returns the bytes of the source and does not modify it."""
    original = newsletter(cte=cte)
    source = original.as_bytes()
    template = parse_template(original, tracking_url=TRACKING_URL)
    assert bytes(template.render(None)) == source
    assert original.as_bytes() == source


def test_quoted_printable_changes_only_at_links() -> None:
    """Quoted-printable is edited in its encoded form, and no line exceeds 76 bytes."""
    original = newsletter(cte="quoted-printable")
    original.get_body(("plain",)).set_content(TEXT, cte="quoted-printable")  # type: ignore[union-attr]
    mail = parse_template(original, tracking_url=TRACKING_URL).render(TOKEN)
    original_lines = set(original.as_bytes().split(b"\r\n"))
    changed = [line for line in bytes(mail).split(b"\r\n") if line not in original_lines]
    assert [line for line in changed if len(line) > 76] == []
    assert len(changed) < 20


@pytest.mark.parametrize(
    ("charset", "words"),
    [
        ("iso-2022-jp", "日本語です"),
        ("shift_jis", "表示"),
        ("euc-kr", "한국어"),
        ("gb18030", "中文"),
        ("koi8-r", "Привет"),
        ("iso-8859-8", "שלום"),
    ],
)
def test_parts_keep_their_charset(charset: str, words: str) -> None:
    """Links are rewritten in any charset, and the part keeps it."""
    html = f'<p>{words}<a href="https://example.com/a">{words}</a>{words}</p>'
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content(f"{words} https://example.com/a {words}", charset=charset, cte="base64")
    message.add_alternative(html, subtype="html", charset=charset, cte="base64")
    template = parse_template(message, tracking_url=TRACKING_URL)
    rendered = parsed(template.render(TOKEN))
    link = f"{TRACKING_URL}/c/{TOKEN}/"
    assert PIXEL.sub("", content(rendered, "html")).replace("\n", "") == html.replace(
        "https://example.com/a", f"{link}2"
    )
    assert f"{words} {link}1 {words}" in content(rendered, "plain")


def test_a_message_without_multipart_is_supported() -> None:
    """A message that is a single HTML part is supported, also of the legacy classes."""
    message = MIMEText(HTML, "html", "utf-8")
    message["Subject"] = "x"
    mail = parse_template(message, tracking_url=TRACKING_URL).render(TOKEN)
    assert len(replaced_hrefs(content(parsed(mail), "html"), HTML)) == 2


def test_only_the_first_html_part_gets_the_pixel() -> None:
    """A message with two HTML parts gets one pixel."""
    message = newsletter(cte="8bit")
    other = EmailMessage()
    other.set_content("<p>part two</p>", subtype="html")
    message.attach(other)
    mail = parse_template(message, tracking_url=TRACKING_URL).render(TOKEN)
    assert len(PIXEL.findall(bytes(mail).decode())) == 1


def test_per_recipient_headers_replace_existing_ones() -> None:
    """with_headers replaces headers of the same name and rejects line breaks."""
    template = parse_template(newsletter(), tracking_url=TRACKING_URL)
    mail = template.render(TOKEN).with_headers({"to": "Åse <aase@example.com>", "X-Run": "7"})
    message = parsed(mail)
    assert message["To"].addresses[0].display_name == "Åse"
    assert message.get_all("To") == ["Åse <aase@example.com>"]
    assert message["X-Run"] == "7"
    assert message["Subject"].startswith("Forår — long")
    with pytest.raises(ValueError, match="linefeed"):
        mail.with_headers({"X-Run": "7\r\nBcc: all@example.com"})


def test_a_signed_message_is_rejected() -> None:
    """A signed message is rejected, because tracking would break the signature."""
    message = email.message_from_string(
        "Content-Type: multipart/signed; boundary=b\n\n--b\nContent-Type: text/plain\n\nx\n--b--\n",
        policy=email.policy.default,
    )
    with pytest.raises(CampaignSourceError, match="sign or encrypt"):
        parse_template(message, tracking_url=TRACKING_URL)


def test_a_line_over_the_smtp_limit_is_rejected() -> None:
    """If a link makes an unencoded line too long, the error says what to do."""
    message = EmailMessage(policy=email.policy.SMTP.clone(max_line_length=990))
    message.set_content("x" * 950 + " https://example.com/ \n", cte="7bit")
    with pytest.raises(CampaignSourceError, match="quoted-printable"):
        parse_template(message, tracking_url=TRACKING_URL)


def test_a_message_without_text_is_rejected() -> None:
    """A message that has only attachments is rejected."""
    message = EmailMessage()
    message.add_attachment(b"x", maintype="application", subtype="pdf", filename="a.pdf")
    with pytest.raises(CampaignSourceError, match="neither"):
        parse_template(message, tracking_url=TRACKING_URL)


def test_invalid_base64_is_rejected() -> None:
    """A part with invalid base64 is rejected when the message is parsed."""
    message = email.message_from_string(
        "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nabcde\n",
        policy=email.policy.default,
    )
    with pytest.raises(CampaignSourceError, match="base64"):
        parse_template(message, tracking_url=TRACKING_URL)


def test_an_unknown_transfer_encoding_is_rejected() -> None:
    """A part in an unsupported transfer encoding is rejected."""
    message = email.message_from_string(
        "Content-Type: text/plain\nContent-Transfer-Encoding: x-uuencode\n\nx\n",
        policy=email.policy.default,
    )
    with pytest.raises(CampaignSourceError, match="x-uuencode"):
        parse_template(message, tracking_url=TRACKING_URL)
