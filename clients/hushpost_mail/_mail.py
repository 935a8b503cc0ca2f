"""A rendered MIME message, and the headers that senders add per recipient."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.policy import SMTP
from urllib.parse import urlsplit

__all__ = ["Mail"]

_HEADER_FIELD = re.compile(rb"([!-9;-~]+):.*?\r\n(?![ \t])", re.DOTALL)
_NAME = re.compile(r"[!-9;-~]+")
_NOT_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_WORD = re.compile(r"[ \t]*[^ \t]+")

_LINE = 78
_MAX_LINE = 998
"""The line lengths, without CRLF, that RFC 5322 (2.1.1) recommends and requires."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A rendered MIME message with CRLF line ends; `bytes(mail)` is ready for SMTP.

    Attributes:
        header: The header section, without the empty line that ends it.
        body: Everything after the empty line.
    """

    header: bytes
    body: bytes

    def __bytes__(self) -> bytes:
        return b"%b\r\n%b" % (self.header, self.body)

    def with_headers(
        self, headers: Mapping[str, str], *, one_click_unsubscribe: str | None = None
    ) -> "Mail":
        """Return a copy with per-recipient headers such as `To` and `Message-ID`.

        They come first and replace existing headers of the same name. ASCII values are
        written as they are and folded at white space only. Others are encoded (RFC 2047).

        Args:
            headers: Values by name.
            one_click_unsubscribe: An https URL of this recipient that ends the subscription
                when it gets a POST (RFC 8058). Sets `List-Unsubscribe` and
                `List-Unsubscribe-Post`; sign both with DKIM.

        Raises:
            ValueError: A name is invalid, a value contains a line break or another control
                character, a word does not fit into a line of 998 bytes, or
                `one_click_unsubscribe` is not an https URL.
        """
        added = dict(headers)
        if one_click_unsubscribe is not None:
            added |= _one_click_headers(one_click_unsubscribe)
        names = {name.lower().encode() for name in added}
        kept = [
            field[0]
            for field in _HEADER_FIELD.finditer(self.header)
            if field[1].lower() not in names
        ]
        fields = [_header_field(name, value) for name, value in added.items()]
        return Mail(b"".join([*fields, *kept]), self.body)


def _one_click_headers(url: str) -> dict[str, str]:
    if urlsplit(url).scheme != "https" or not url.isascii() or re.search(r"[\s<>,]", url):
        raise ValueError(
            f"one_click_unsubscribe must be an https URL in ASCII without spaces, "
            f'"<", ">" and ",": {url!r}'
        )
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _header_field(name: str, value: str) -> bytes:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a header")
    if _NOT_IN_VALUE.search(value):
        raise ValueError(f"the value of {name} contains a linefeed or another control character")
    if value.isascii():
        return _fold(name, value)
    folded: str = SMTP.fold(*SMTP.header_store_parse(name, value))
    return folded.encode("ascii", "surrogateescape")


def _fold(name: str, value: str) -> bytes:
    """Serialize an ASCII header. A word that is longer than a line keeps its line."""
    lines = [f"{name}:"]
    for number, word in enumerate(_WORD.findall(value.strip(" \t"))):
        spaced = word if number else f" {word}"
        # The first word stays on the line of the name: some programs read no other.
        if number and len(lines[-1]) + len(spaced) > _LINE:
            lines.append(spaced)
        else:
            lines[-1] += spaced
    if any(len(line) > _MAX_LINE for line in lines):
        raise ValueError(f"the value of {name} has a word that does not fit into a line")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")
