"""The newsletter of the demo, as its author wrote it."""

from email.message import EmailMessage
from email.policy import SMTP
from importlib.resources import files

__all__ = ["SENDER", "html", "newsletter", "text"]

SENDER = "Fernbrook Seeds <letter@shop.example.com>"
_UNSUBSCRIBE = "<https://shop.example.com/unsubscribe>, <mailto:leave@shop.example.com>"


def html() -> str:
    """Return the HTML part."""
    return (files(__name__) / "newsletter.html").read_text("utf-8")


def text() -> str:
    """Return the plain text part."""
    return (files(__name__) / "newsletter.txt").read_text("utf-8")


def newsletter() -> EmailMessage:
    """Return the message as a mail program writes it, without a recipient."""
    message = EmailMessage(policy=SMTP)
    message["From"] = SENDER
    message["Subject"] = "The soil is warm enough"
    message["List-Unsubscribe"] = _UNSUBSCRIBE
    message.set_content(text(), cte="quoted-printable")
    message.add_alternative(html(), subtype="html", cte="quoted-printable")
    return message
