"""The trap link: where it is in a message, and that people neither see nor reach it."""

import email
import email.policy
import re
from email.message import EmailMessage
from xml.etree import ElementTree as ET

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hushpost_client import IssuedToken, Mode
from hushpost_mail import parse_template

from .rendered_html import PREFERENCE_TOKEN, TOKEN, TRACKING_URL
from .test_generated_content import HTML

TRAP_URL = f"{TRACKING_URL}/c/{TOKEN}/0"
TRAP = re.compile(rf'<a href="{re.escape(TRAP_URL)}"[^<>]*></a>')
LINK = '<a href="https://example.com/a">a</a>'
XHTML = "{http://www.w3.org/1999/xhtml}"


def rendered(source: str, *, trap_link: bool = True) -> str:
    """Render HTML."""
    template = parse_template(source, tracking_url=TRACKING_URL, trap_link=trap_link)
    html = template.render(TOKEN, PREFERENCE_TOKEN).html
    assert html is not None
    return html


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<!doctype html><html><body bgcolor='>'>", f"\r\n{LINK}</body></html>"),
        ("\r\n<!-- <body> -->\r\n<BODY\r\n>", f"é{LINK}<body class=second>"),
        (f"<p>{LINK}</p>", ""),
        (f"{LINK}<p>", "</body>"),
        ("<!--[if mso]><body class=mso><![endif]--><body>", LINK),
    ],
)
def test_the_trap_link_is_the_first_of_the_body(before: str, after: str) -> None:
    """It follows `<body>`, so that scanners meet it before other links, or is at the end."""
    with_trap, without_trap = rendered(before + after), rendered(before + after, trap_link=False)
    start, separator, end = TRAP.sub("\0", with_trap).partition("\0")
    assert separator
    assert start + end == without_trap
    assert start.endswith(before.rpartition("</a>")[2])
    assert f"{start}{end}".endswith(end)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["<body>", "<head></head>\r\n<body class='x'>", "<!doctype html><body>"]), HTML
)
def test_an_independent_parser_sees_one_more_element(start: str, content: str) -> None:
    """Other bytes stay, the tree stays, and the link has neither text, size nor focus."""
    source = start + content
    with_trap, without_trap = rendered(source), rendered(source, trap_link=False)
    has_link = bool(parse_template(source, tracking_url=TRACKING_URL).links)
    assert TRAP.subn("", with_trap) == (without_trap, int(has_link))
    tree = html5lib.parse(with_trap, treebuilder="etree")
    body = tree.find(f"{XHTML}body")
    assert body is not None
    if has_link:
        trap = body[0]
        assert (trap.tag, len(trap), trap.text) == (f"{XHTML}a", 0, None)
        assert trap.attrib == {
            "href": TRAP_URL,
            "style": "display:none;mso-hide:all",
            "aria-hidden": "true",
            "tabindex": "-1",
        }
        body.text = ((body.text or "") + (trap.tail or "")) or None
        body.remove(trap)
    expected = html5lib.parse(without_trap, treebuilder="etree")
    assert ET.tostring(tree) == ET.tostring(expected)


def test_only_html_with_tracked_links_gets_it() -> None:
    """Text parts, messages without tracked links and messages without the option get none."""
    template = parse_template(
        "<body><p>no link</p></body>",
        "https://example.com/a",
        tracking_url=TRACKING_URL,
        trap_link=True,
    )
    message = template.render(TOKEN)
    assert "/0" not in f"{message.html}{message.text}"
    assert not TRAP.search(rendered(f"<body>{LINK}", trap_link=False))
    # It is not registered, so it is in no report.
    assert len(parse_template(LINK, tracking_url=TRACKING_URL, trap_link=True).links) == 1


@pytest.mark.parametrize("click_mode", [Mode.OFF, Mode.AGGREGATE])
def test_messages_without_tracked_clicks_have_none(click_mode: Mode) -> None:
    """A message whose clicks are OFF is the source; in all other modes it has the link."""
    template = parse_template(f"<body>{LINK}", tracking_url=TRACKING_URL, trap_link=True)
    click_token = None if click_mode is Mode.OFF else TOKEN
    issued = IssuedToken(
        contact_id="ann",
        mode=Mode.IDENTIFIED,
        token="PIXEL_-_" * 7,
        preference_token=None,
        click_mode=click_mode,
        click_token=click_token,
    )
    html = template.render_issued(issued).html or ""
    assert bool(TRAP.search(html)) is (click_mode is not Mode.OFF)
    assert html.startswith(f"<body>{LINK}") is (click_mode is Mode.OFF)


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
def test_mime_messages(encoding: str) -> None:
    """The first HTML part gets it, in any transfer encoding."""
    message = EmailMessage(policy=email.policy.SMTP)
    message.set_content("https://example.com/a\n")
    message.add_alternative(f"<body>é = {LINK}</body>\n", subtype="html", cte=encoding)
    template = parse_template(message, tracking_url=TRACKING_URL, trap_link=True)
    mail = email.message_from_bytes(bytes(template.render(TOKEN)), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    html, text = (mail.get_body((kind,)) for kind in ("html", "plain"))
    assert html is not None
    assert text is not None
    assert re.match(rf"<body>{TRAP.pattern}é = <a ", html.get_content())
    assert text.get_content().strip() == f"{TRACKING_URL}/c/{TOKEN}/1"
