"""MIME messages: parts are rewritten in place, headers and other parts stay."""

import email
import email.policy
from email.message import EmailMessage, Message
from email.mime.text import MIMEText
from typing import Any

import pytest

import hushpost_mail
from hushpost_mail import CampaignSourceError, Mail

from .undoing import PIXEL, PREFERENCE_TOKEN, TOKEN, TRACKING_URL, written_in_place_of_links

HTML = (
    "<html><body>\n<p>Smørrebrød, 100% &amp; more = good</p>\n"
    '<a href="https://example.com/a?b=1&amp;c=2" data-hushpost-label="top">en</a>   \n'
    "<a href='https://example.com/leave'>leave</a> <img src=\"cid:logo\">\n</body></html>\n"
)
TEXT = "Hej!\nhttps://example.com/a?b=1&c=2 (https://example.com/b).\n"


def newsletter(**html_options: Any) -> EmailMessage:
    """Write a newsletter as most are: alternative parts, a related image, an attachment."""
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
    message.as_bytes()  # chooses its boundaries
    return message


def parsed(mail: Mail) -> EmailMessage:
    """Read a mail as a recipient's client does."""
    message = email.message_from_bytes(bytes(mail), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not [part.defects for part in message.walk() if part.defects]
    return message


def content(message: EmailMessage, kind: str) -> str:
    """Answer the decoded content of a part, with the line ends that it was written with."""
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize("cte", ["quoted-printable", "base64", "8bit"])
@pytest.mark.parametrize("charset", ["utf-8", "windows-1252"])
def test_parts_are_rewritten_in_every_transfer_encoding(cte: str, charset: str) -> None:
    """HTML and text read as they did but for links and pixel; all else is the same to the byte."""
    original = newsletter(cte=cte, charset=charset)
    template = hushpost_mail.prepare(original, tracking_url=TRACKING_URL)
    mail = template.fill(TOKEN, PREFERENCE_TOKEN)
    message = parsed(mail)
    assert [link.label for link in template.links] == ["text:1", "text:2", "top"]
    links = written_in_place_of_links(content(message, "html"), HTML)
    assert links == [(3, "https://example.com/a?b=1&amp;c=2")]
    text = content(message, "plain")
    for number in (1, 2):
        text = text.replace(f"{TRACKING_URL}/c/{TOKEN}/{number}", template.links[number - 1].url)
    assert text == TEXT
    assert mail.head == original.as_bytes().partition(b"\r\n\r\n")[0] + b"\r\n"
    assert untouched_parts(message) == untouched_parts(original)
    assert all(len(line) <= 998 for line in bytes(mail).split(b"\r\n"))


def untouched_parts(message: Message) -> list[bytes]:
    """Answer the parts that are no part of the newsletter's own text."""
    return [
        part.as_bytes(policy=email.policy.SMTP)
        for part in message.walk()
        if part.get_content_maintype() == "image" or part.get_filename()
    ]


@pytest.mark.parametrize("cte", ["quoted-printable", "base64", "8bit"])
def test_a_mail_in_the_mode_off_is_the_mail(cte: str) -> None:
    """Without a token the mail is the message that was given, to the byte."""
    original = newsletter(cte=cte)
    whole = original.as_bytes()
    template = hushpost_mail.prepare(original, tracking_url=TRACKING_URL)
    assert bytes(template.fill("")) == whole
    assert original.as_bytes() == whole


def test_quoted_printable_changes_nowhere_but_at_links() -> None:
    """In quoted-printable the encoded bytes between links stay too, and no line gets too long."""
    original = newsletter(cte="quoted-printable")
    original.get_body(("plain",)).set_content(TEXT, cte="quoted-printable")  # type: ignore[union-attr]
    mail = hushpost_mail.prepare(original, tracking_url=TRACKING_URL).fill(TOKEN)
    before = set(original.as_bytes().split(b"\r\n"))
    after = bytes(mail).split(b"\r\n")
    changed = [line for line in after if line not in before]
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
def test_every_charset_is_read_and_kept(charset: str, words: str) -> None:
    """Parts in other charsets stay in them, with their links rewritten."""
    html = f'<p>{words}<a href="https://example.com/a">{words}</a>{words}</p>'
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content(f"{words} https://example.com/a {words}", charset=charset, cte="base64")
    message.add_alternative(html, subtype="html", charset=charset, cte="base64")
    template = hushpost_mail.prepare(message, tracking_url=TRACKING_URL)
    rendered = parsed(template.fill(TOKEN))
    link = f"{TRACKING_URL}/c/{TOKEN}/"
    assert PIXEL.sub("", content(rendered, "html")).replace("\n", "") == html.replace(
        "https://example.com/a", f"{link}2"
    )
    assert f"{words} {link}1 {words}" in content(rendered, "plain")


def test_a_message_of_one_part_is_enough() -> None:
    """A message that is HTML alone is rewritten, of the older classes too."""
    message = MIMEText(HTML, "html", "utf-8")
    message["Subject"] = "x"
    mail = hushpost_mail.prepare(message, tracking_url=TRACKING_URL).fill(TOKEN)
    assert len(written_in_place_of_links(content(parsed(mail), "html"), HTML)) == 2


def test_the_pixel_goes_into_the_first_html_part() -> None:
    """A message with two HTML parts has one pixel."""
    message = newsletter(cte="8bit")
    other = EmailMessage()
    other.set_content("<p>part two</p>", subtype="html")
    message.attach(other)
    mail = hushpost_mail.prepare(message, tracking_url=TRACKING_URL).fill(TOKEN)
    assert len(PIXEL.findall(bytes(mail).decode())) == 1


def test_headers_of_their_own_replace_those_of_the_newsletter() -> None:
    """A mail gets its recipient's headers in the place of those of the same name."""
    template = hushpost_mail.prepare(newsletter(), tracking_url=TRACKING_URL)
    mail = template.fill(TOKEN).with_headers({"to": "Åse <aase@example.com>", "X-Run": "7"})
    message = parsed(mail)
    assert message["To"].addresses[0].display_name == "Åse"
    assert message.get_all("To") == ["Åse <aase@example.com>"]
    assert message["X-Run"] == "7"
    assert message["Subject"].startswith("Forår — long")
    with pytest.raises(ValueError, match="linefeed"):
        mail.with_headers({"X-Run": "7\r\nBcc: everybody@example.com"})


def test_signed_mail_is_refused() -> None:
    """A signature would not hold: the message is refused when it is compiled."""
    message = email.message_from_string(
        "Content-Type: multipart/signed; boundary=b\n\n--b\nContent-Type: text/plain\n\nx\n--b--\n",
        policy=email.policy.default,
    )
    with pytest.raises(CampaignSourceError, match="sign or encrypt"):
        hushpost_mail.prepare(message, tracking_url=TRACKING_URL)


def test_a_line_that_no_server_takes_is_refused() -> None:
    """Where a link would make a line of an 8-bit part too long, compiling says what to do."""
    message = EmailMessage(policy=email.policy.SMTP.clone(max_line_length=990))
    message.set_content("x" * 950 + " https://example.com/ \n", cte="7bit")
    with pytest.raises(CampaignSourceError, match="quoted-printable"):
        hushpost_mail.prepare(message, tracking_url=TRACKING_URL)


def test_a_message_without_text_is_refused() -> None:
    """A message with attachments alone has nothing to render."""
    message = EmailMessage()
    message.add_attachment(b"x", maintype="application", subtype="pdf", filename="a.pdf")
    with pytest.raises(CampaignSourceError, match="neither"):
        hushpost_mail.prepare(message, tracking_url=TRACKING_URL)


def test_a_part_that_can_not_be_read_is_refused() -> None:
    """Base64 that is none is the sender's mistake, told when the message is compiled."""
    message = email.message_from_string(
        "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nabcde\n",
        policy=email.policy.default,
    )
    with pytest.raises(CampaignSourceError, match="base64"):
        hushpost_mail.prepare(message, tracking_url=TRACKING_URL)


def test_an_unknown_transfer_encoding_is_refused() -> None:
    """A part that can't be read is not sent half tracked."""
    message = email.message_from_string(
        "Content-Type: text/plain\nContent-Transfer-Encoding: x-uuencode\n\nx\n",
        policy=email.policy.default,
    )
    with pytest.raises(CampaignSourceError, match="x-uuencode"):
        hushpost_mail.prepare(message, tracking_url=TRACKING_URL)
