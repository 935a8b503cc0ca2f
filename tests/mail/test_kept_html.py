"""The HTML of a message that the authority keeps: the template, before links are rewritten."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

import hushpost_mail
from hushpost_client import NotFoundError
from hushpost_mail import RawMessage
from tests.conftest import Clients

from .rendered_html import TRACKING_URL

HTML = '<p>Grüße <a href="https://example.com/a">a</a> {{hushpost.preferences}}</p>\n'


def _mail(cte: str, charset: str = "utf-8") -> EmailMessage:
    mail = EmailMessage(policy=policy.SMTP)
    mail.set_content("https://example.com/a\n")
    mail.add_alternative(HTML, subtype="html", charset=charset, cte=cte)
    return mail


MESSAGES: dict[str, Any] = {
    "str": HTML,
    "bytes": HTML.encode(),
    "byte order mark": b"\xef\xbb\xbf" + HTML.encode(),
    "quoted-printable": _mail("quoted-printable", "iso-8859-1"),
    "base64": _mail("base64"),
    "8bit": message_from_bytes(bytes(_mail("8bit")), policy=policy.default),
    "raw": RawMessage(bytes(_mail("base64"))),
}


async def _kept(clients: Clients, message: Any, **options: Any) -> str:
    campaign = await hushpost_mail.create_campaign(
        message, hushpost=clients.sender, tracking_url=TRACKING_URL, **options
    )
    html: str = await clients.reporter.campaigns.get_campaign_message(campaign.campaign_id)
    return html


@pytest.mark.parametrize("name", MESSAGES)
async def test_the_template_is_kept(clients: Clients, name: str) -> None:
    """In each form of a message, the HTML part is kept as text, with its own links."""
    kept = await _kept(clients, MESSAGES[name], keep_html=True)
    assert kept.replace("\r\n", "\n").rstrip() == HTML.rstrip()


async def test_nothing_is_kept_unless_asked_for(clients: Clients) -> None:
    """Neither by default, nor of a message without an HTML part."""
    with pytest.raises(NotFoundError):
        await _kept(clients, HTML)
    plain = EmailMessage(policy=policy.SMTP)
    plain.set_content("https://example.com/a\n")
    with pytest.raises(NotFoundError):
        await _kept(clients, plain, keep_html=True)
