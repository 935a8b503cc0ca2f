"""Parses a message of any supported type, without the authority."""

from email.message import Message as MimeMessage
from typing import Any, overload

from hushpost_mail._errors import CampaignSourceError
from hushpost_mail._html_and_text import Parts, parse_bytes_parts, parse_str_parts
from hushpost_mail._link_rewriter import LinkRewriter
from hushpost_mail._mail import Mail
from hushpost_mail._mime import list_unsubscribe_header, parse_mime
from hushpost_mail._raw_message import RawMessage, serialize
from hushpost_mail._template import MessageTemplate, Template
from hushpost_mail._tracking_urls import TrackingUrls
from hushpost_mail._url_rules import list_unsubscribe_urls

__all__ = ["parse_template"]


@overload
def parse_template(
    html: str | None,
    text: str | None = None,
    *,
    tracking_url: str,
    list_unsubscribe: str | None = None,
    trap_link: bool = False,
) -> Template[Parts[str]]: ...
@overload
def parse_template(
    html: bytes,
    text: bytes | None = None,
    *,
    tracking_url: str,
    list_unsubscribe: str | None = None,
    trap_link: bool = False,
    charset: str = "utf-8",
) -> Template[Parts[bytes]]: ...
@overload
def parse_template(
    html: MimeMessage | RawMessage,
    *,
    tracking_url: str,
    list_unsubscribe: str | None = None,
    trap_link: bool = False,
) -> Template[Mail]: ...


def parse_template(
    html: str | bytes | MimeMessage | RawMessage | None,
    text: str | bytes | None = None,
    *,
    tracking_url: str,
    list_unsubscribe: str | None = None,
    trap_link: bool = False,
    charset: str = "utf-8",
) -> Template[Any]:
    """Parse a message without registering a campaign.

    Use it for previews and to check which links would be tracked. The arguments are
    those of `create_campaign`.

    Raises:
        CampaignSourceError: if the message cannot be tracked.
        ValueError: if `tracking_url` is not a plain http or https URL.
    """
    tracking_urls = TrackingUrls(tracking_url)
    if isinstance(html, MimeMessage):
        html = serialize(html)
    own_header = list_unsubscribe_header(html) if isinstance(html, RawMessage) else ""
    unsubscribe_urls = list_unsubscribe_urls(f"{own_header} {list_unsubscribe or ''}")
    rewriter = LinkRewriter(tracking_urls, unsubscribe_urls, trap_link)
    message = _parse_message(rewriter, html, text, charset)
    return Template(
        tuple(rewriter.links),
        tuple(rewriter.skipped_links),
        tuple(rewriter.warnings),
        tracking_urls,
        message,
    )


def _parse_message(
    rewriter: LinkRewriter,
    html: str | bytes | RawMessage | None,
    text: str | bytes | None,
    charset: str,
) -> MessageTemplate[Any]:
    if isinstance(html, RawMessage):
        return parse_mime(rewriter, html)
    if html is None and text is None:
        raise CampaignSourceError("the message has neither an HTML part nor a text part")
    if not isinstance(html, bytes) and not isinstance(text, bytes):
        return parse_str_parts(rewriter, html, text)
    if not isinstance(html, str) and not isinstance(text, str):
        return parse_bytes_parts(rewriter, html, text, charset)
    raise CampaignSourceError("pass html and text as the same type, both str or both bytes")
