"""Reads a mail as a mail program does: its links and images. Pure."""

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr
from html.parser import HTMLParser

from hushpost_demo.errors import DemoError

__all__ = ["Mail", "Page", "read_mail", "read_page"]

_URL_IN_TEXT = re.compile(r"https?://[^\s<>]+")


@dataclass(frozen=True, slots=True)
class Page:
    """The links of the HTML and the text part, and the images, in document order."""

    links: tuple[str, ...]
    text_links: tuple[str, ...]
    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mail:
    """A delivered mail: the recipient's address, the HTML part, and its links and images."""

    to: str
    html: str
    page: Page


class _Parts(HTMLParser):
    """Collects links and images; ignores comments, as a browser does."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.images: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect a link or an image."""
        attributes = dict(attrs)
        if tag in {"a", "area"}:
            self.links.append(attributes.get("href") or "")
        elif tag == "img":
            self.images.append(attributes.get("src") or "")


def read_page(html: str, text: str) -> Page:
    """Return the links and images of the two parts of a message."""
    parts = _Parts()
    parts.feed(html)
    parts.close()
    return Page(tuple(parts.links), tuple(_URL_IN_TEXT.findall(text)), tuple(parts.images))


def read_mail(content: bytes) -> Mail:
    """Parse a mail. Raises DemoError if it lacks a text or an HTML part."""
    mail = message_from_bytes(content)
    to = parseaddr(mail["To"])[1]
    parts = {part.get_content_type(): part for part in mail.walk()}
    if not {"text/html", "text/plain"} <= parts.keys():
        raise DemoError(f"the mail to {to} lacks a text or an HTML part")
    html = _content(parts["text/html"])
    return Mail(to, html, read_page(html, _content(parts["text/plain"])))


def _content(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        raise TypeError
    return content.decode(part.get_content_charset("ascii"))
