"""Reads a mail as a mail program does: what it shows, fetches and links to. Pure."""

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr
from html.parser import HTMLParser

from hushpost_demo.failure import DemoError
from hushpost_demo.plan import Link

__all__ = ["Mail", "Page", "read_mail", "read_page", "tracked_links"]

_URL_IN_TEXT = re.compile(r"https?://[^\s<>]+")
_TRACKED = re.compile(r"/c/[\w-]{56}/(\d+)$")


@dataclass(frozen=True, slots=True)
class Page:
    """What a message has: the links of both parts, and the images, each in its order."""

    links: tuple[str, ...]
    text_links: tuple[str, ...]
    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that arrived. `to` is the address, `html` the HTML part."""

    to: str
    html: str
    page: Page


class _Parts(HTMLParser):
    """Collects links and images; what stands in comments is not seen, as in a browser."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.images: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a link or an image."""
        given = dict(attrs)
        if tag in {"a", "area"}:
            self.links.append(given.get("href") or "")
        elif tag == "img":
            self.images.append(given.get("src") or "")


def read_page(html: str, text: str) -> Page:
    """Read the two parts of a message."""
    parts = _Parts()
    parts.feed(html)
    parts.close()
    return Page(tuple(parts.links), tuple(_URL_IN_TEXT.findall(text)), tuple(parts.images))


def read_mail(content: bytes) -> Mail:
    """Read a mail. Raises DemoError for one without a text or an HTML part."""
    mail = message_from_bytes(content)
    to = parseaddr(mail["To"])[1]
    parts = {part.get_content_type(): part for part in mail.walk()}
    if not {"text/html", "text/plain"} <= parts.keys():
        raise DemoError(f"the mail to {to} has lost a part")
    html = _content(parts["text/html"])
    return Mail(to, html, read_page(html, _content(parts["text/plain"])))


def _content(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        raise TypeError
    return content.decode(part.get_content_charset("ascii"))


def tracked_links(written: Page, arrived: Page) -> tuple[Link, ...]:
    """Return the links of a mail that are tracked, each with what its author wrote there.

    Raises:
        DemoError: if the mail has other links than its author wrote.
    """
    found = []
    for before, after in (
        (written.links, arrived.links),
        (written.text_links, arrived.text_links),
    ):
        # The preference link has no URL in the text part before it is filled in.
        if len(after) < len(before):
            raise DemoError(f"{len(before)} links were written, {len(after)} arrived")
        for destination, url in zip(before, after, strict=False):
            number = _TRACKED.search(url)
            if number:
                found.append(Link(int(number[1]), url, destination))
            elif url != destination and "{{" not in destination:
                raise DemoError(f"a link to {destination} arrived as {url}")
    return tuple(found)
