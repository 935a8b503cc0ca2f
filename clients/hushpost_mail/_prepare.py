"""Takes a message apart, of whatever kind it is, without the authority."""

from email.message import Message as MimeMessage
from typing import Any, overload

from hushpost_mail._destination import listed_urls
from hushpost_mail._errors import CampaignSourceError
from hushpost_mail._mail import Mail, list_unsubscribe, take_mail_apart
from hushpost_mail._parts import Parts, bytes_parts, str_parts
from hushpost_mail._search import Search
from hushpost_mail._template import Fillable, Template
from hushpost_mail._urls import TrackingUrls

__all__ = ["prepare"]


@overload
def prepare(
    html: str | None,
    text: str | None = None,
    *,
    tracking_url: str,
    unsubscribe: str = "",
) -> Template[Parts[str]]: ...
@overload
def prepare(
    html: bytes,
    text: bytes | None = None,
    *,
    tracking_url: str,
    unsubscribe: str = "",
    charset: str = "utf-8",
) -> Template[Parts[bytes]]: ...
@overload
def prepare(
    html: MimeMessage,
    *,
    tracking_url: str,
    unsubscribe: str = "",
) -> Template[Mail]: ...


def prepare(
    html: str | bytes | MimeMessage | None,
    text: str | bytes | None = None,
    *,
    tracking_url: str,
    unsubscribe: str = "",
    charset: str = "utf-8",
) -> Template[Any]:
    """Take a message apart and find its links, without registering anything.

    For a look at what would be tracked (`links`, `skipped_links`) and for previews; the
    arguments are those of `create_campaign`.

    Raises:
        CampaignSourceError: for a message that can't be compiled.
        ValueError: for a `tracking_url` that is no plain http or https URL.
    """
    urls = TrackingUrls(tracking_url)
    listed = list_unsubscribe(html) if isinstance(html, MimeMessage) else ""
    search = Search(urls, listed_urls(f"{listed} {unsubscribe}"))
    pieces = _taken_apart(search, html, text, charset)
    return Template(urls, tuple(search.links), tuple(search.skipped_links), pieces)


def _taken_apart(
    search: Search,
    html: str | bytes | MimeMessage | None,
    text: str | bytes | None,
    charset: str,
) -> Fillable[Any]:
    if isinstance(html, MimeMessage):
        return take_mail_apart(search, html)
    if html is None and text is None:
        raise CampaignSourceError("there is neither a text nor an HTML part")
    if not isinstance(html, bytes) and not isinstance(text, bytes):
        return str_parts(search, html, text)
    if not isinstance(html, str) and not isinstance(text, str):
        return bytes_parts(search, html, text, charset)
    raise CampaignSourceError("the HTML part and the text part are of one kind, str or bytes")
