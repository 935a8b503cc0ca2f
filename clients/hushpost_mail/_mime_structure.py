"""Finds the text and HTML parts of a MIME message by their position in its bytes (RFC 2046).

The `email` package reads the headers of each part, but it does not say where a part was, and
it serializes headers differently from how they were written.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser

from hushpost_mail._errors import CampaignSourceError

__all__ = ["TextPart", "find_text_parts", "read_headers"]

_HEADER_LINE = re.compile(rb"(?:[!-9;-~]*[ \t]*:|[ \t]|From )(?:[^\r\n]|\r(?!\n))*(?:\r\n|\Z)")
_REST_OF_DELIMITER = re.compile(rb"(--)?[ \t]*(?:\r\n|\Z)")
# RFC 5322, 4.5: allowed in old messages. The email package does not read it.
_SPACE_BEFORE_COLON = re.compile(rb"^([!-9;-~]+)[ \t]+:", re.MULTILINE)
_SIGNED_OR_ENCRYPTED = ("multipart/signed", "multipart/encrypted")
_MAX_NESTING = 50


@dataclass(frozen=True, slots=True)
class TextPart:
    """A text or HTML part that readers see.

    Attributes:
        headers: Its headers.
        start: The index of its content in the message.
        end: The index after its content.
    """

    headers: Message
    start: int
    end: int

    @property
    def is_html(self) -> bool:
        """Whether it is an HTML part."""
        return self.headers.get_content_subtype() == "html"

    @property
    def transfer_encoding(self) -> str:
        """The content transfer encoding in lower case; empty if the part names none."""
        return str(self.headers.get("Content-Transfer-Encoding", "")).strip().lower()

    @property
    def charset(self) -> str:
        """The charset in lower case; empty if the part names none."""
        return self.headers.get_content_charset() or ""

    @property
    def is_flowed_without_spaces(self) -> bool:
        """Whether a space at the end of a line is not part of the text (RFC 3676, DelSp)."""
        return (
            not self.is_html
            and self._parameter("format") == "flowed"
            and (self._parameter("delsp") == "yes")
        )

    def _parameter(self, name: str) -> str:
        value = self.headers.get_param(name)
        return value.lower() if isinstance(value, str) else ""


def read_headers(message: bytes, start: int = 0, end: int | None = None) -> tuple[Message, int]:
    """Return the headers of a message or part, and the index after them.

    That is the index of the empty line, if there is one. As in the `email` package, a line
    that is no header ends them, too.
    """
    limit = len(message) if end is None else end
    index = start
    while index < limit and (line := _HEADER_LINE.match(message, index, limit)):
        index = line.end()
    headers = _SPACE_BEFORE_COLON.sub(rb"\1:", message[start:index])
    return BytesHeaderParser().parsebytes(headers), index


def find_text_parts(message: bytes) -> list[TextPart]:
    """Return the text and HTML parts in order, except attachments and forwarded messages.

    Args:
        message: A message with CRLF line ends.

    Raises:
        CampaignSourceError: The message is signed or encrypted.
    """
    return list(_text_parts(message, 0, len(message), "text/plain", _MAX_NESTING))


def _text_parts(
    message: bytes, start: int, end: int, default_type: str, depth: int
) -> Iterator[TextPart]:
    headers, start = read_headers(message, start, end)
    headers.set_default_type(default_type)
    if message.startswith(b"\r\n", start, end):
        start += 2
    content_type = headers.get_content_type()
    if content_type in _SIGNED_OR_ENCRYPTED:
        raise CampaignSourceError(
            f"a {content_type} message cannot be changed: sign or encrypt the rendered "
            "messages instead"
        )
    if headers.get_content_maintype() == "multipart":
        part_type = "message/rfc822" if content_type == "multipart/digest" else "text/plain"
        if depth and (boundary := headers.get_boundary()):
            for part_start, part_end in _split(message, start, end, boundary):
                yield from _text_parts(message, part_start, part_end, part_type, depth - 1)
    elif (
        content_type in ("text/html", "text/plain")
        and headers.get_content_disposition() != "attachment"
        and headers.get_filename() is None
    ):
        yield TextPart(headers, start, end)


def _split(message: bytes, start: int, end: int, boundary: str) -> Iterator[tuple[int, int]]:
    """Yield where the parts of a multipart are. The last one may lack its delimiter."""
    mark = b"\n--" + boundary.encode("utf-8", "surrogateescape")
    part_start = None
    # Some preambles are empty: the delimiter follows the empty line after the headers.
    found = message.find(mark, start - 1, end)
    while found >= 0:
        line = _REST_OF_DELIMITER.match(message, found + len(mark), end)
        if line is None:  # a longer boundary, of another multipart
            found = message.find(mark, found + len(mark), end)
            continue
        if part_start is not None:
            # The line end before a delimiter belongs to it.
            yield part_start, max(found - 1, part_start)
        if line[1]:
            return
        part_start = line.end()
        found = message.find(mark, part_start - 1, end)
    if part_start is not None:
        yield part_start, end
