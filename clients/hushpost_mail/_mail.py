"""MIME messages: their text and HTML parts taken apart in place, all else untouched."""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from email.generator import BytesGenerator
from email.message import Message
from email.policy import SMTP
from functools import partial
from io import BytesIO

from hushpost_mail._errors import CampaignSourceError
from hushpost_mail._part import FindCuts
from hushpost_mail._search import Search
from hushpost_mail._transfer import IDENTITIES, EncodedPart, encoded_part

__all__ = ["Mail", "MailPieces", "list_unsubscribe", "take_mail_apart"]

_LINE_END = re.compile(rb"\r\n|\r|\n")
_FIELD = re.compile(rb"([!-9;-~]+):.*?\r\n(?![ \t])", re.DOTALL)
_NOT_OURS = ("multipart/signed", "multipart/encrypted")


@dataclass(frozen=True, slots=True)
class Mail:
    """A rendered MIME message, ready for SMTP: CRLF at each line's end.

    Attributes:
        head: Its header, up to and without the empty line.
        body: What follows the empty line.
    """

    head: bytes
    body: bytes

    def __bytes__(self) -> bytes:
        return b"%b\r\n%b" % (self.head, self.body)

    def with_headers(self, headers: Mapping[str, str]) -> "Mail":
        """Answer the mail with headers of its own, such as `To` and `Message-ID`.

        They stand before the others and in the place of those of the same name.
        Raises ValueError for a value with a line break.
        """
        names = {name.lower().encode() for name in headers}
        kept = [field[0] for field in _FIELD.finditer(self.head) if field[1].lower() not in names]
        return Mail(b"".join([*map(_folded, headers.items()), *kept]), self.body)


@dataclass(frozen=True, slots=True)
class MailPieces:
    """A MIME message taken apart: head, then what stands between the parts, and the parts."""

    head: bytes
    between: tuple[bytes, ...]
    parts: tuple[EncodedPart, ...]

    @property
    def takes_preference_token(self) -> bool:
        """Whether a preference link has a place in it."""
        return any(part.takes_preference_token for part in self.parts)

    def tracked(self, token: str, preference_token: str) -> Mail:
        """Answer the mail with pixel and rewritten links."""
        return self._joined([part.tracked(token, preference_token) for part in self.parts])

    def untracked(self, preference_token: str) -> Mail:
        """Answer the mail as it was given, its preference links filled."""
        return self._joined([part.untracked(preference_token) for part in self.parts])

    def _joined(self, parts: list[bytes]) -> Mail:
        return Mail(self.head, b"".join(_alternately(self.between, parts)))


def list_unsubscribe(message: Message) -> str:
    """Answer the message's `List-Unsubscribe`; empty if it has none."""
    return " ".join(map(str, message.get_all("List-Unsubscribe", [])))


def take_mail_apart(search: Search, message: Message) -> MailPieces:
    """Take a message apart; the given one is left as it is.

    Raises CampaignSourceError if it is signed or encrypted, has nothing to render, or
    is written otherwise than it reads.
    """
    message = deepcopy(message)
    written = _written(message)  # which gives it its boundaries too
    found = list(_text_parts(message))
    if not found:
        raise CampaignSourceError("the message has neither a text nor an HTML part")
    encoded = [_payload(part) for part in found]
    between = _written_around(message, found)
    if written != b"".join(_alternately(between, encoded)):
        raise CampaignSourceError(
            "the message is not written as it reads: parse it from bytes first"
        )
    head, _, rest = between[0].partition(b"\r\n\r\n")
    parts = _taken_apart(search, found, encoded)
    return MailPieces(head + b"\r\n", (rest, *between[1:]), tuple(parts))


def _text_parts(message: Message) -> Iterator[Message]:
    """Find the parts that are the message itself, attachments and forwarded mail aside."""
    if message.get_content_type() in _NOT_OURS:
        raise CampaignSourceError(
            f"{message.get_content_type()} can't be rewritten: sign or encrypt what is rendered"
        )
    if message.get_content_maintype() == "multipart":
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _text_parts(part)
    elif (
        message.get_content_type() in ("text/html", "text/plain")
        and message.get_content_disposition() != "attachment"
        and message.get_filename() is None
    ):
        yield message


def _payload(part: Message) -> bytes:
    """Answer a part's content as it is sent."""
    if _transfer_encoding(part) in IDENTITIES:
        # What is sent as it reads is answered with its bytes only if "decoded".
        content = part.get_payload(decode=True)
    else:
        content = str(part.get_payload()).encode("ascii", "replace")
    if not isinstance(content, bytes):
        raise CampaignSourceError("a part has no content")
    return _LINE_END.sub(b"\r\n", content)


def _transfer_encoding(part: Message) -> str:
    return str(part.get("Content-Transfer-Encoding", "")).strip().lower()


def _written(message: Message) -> bytes:
    output = BytesIO()
    policy = message.policy.clone(linesep="\r\n")
    BytesGenerator(output, mangle_from_=False, policy=policy).flatten(message)
    return output.getvalue()


def _written_around(message: Message, parts: list[Message]) -> list[bytes]:
    """Answer what stands before, between and after parts, which are lost."""
    mark = secrets.token_hex(16)
    for part in parts:
        part.set_payload(mark)
    return _written(message).split(mark.encode())


def _alternately(between: Sequence[bytes], parts: Sequence[bytes]) -> list[bytes]:
    pieces = [b""] * (len(between) + len(parts))
    pieces[::2], pieces[1::2] = between, parts
    return pieces


def _taken_apart(
    search: Search, parts: list[Message], encoded: list[bytes]
) -> Iterator[EncodedPart]:
    """Take parts apart; the first one in HTML gets the pixel."""
    has_pixel = False
    for part, content in zip(parts, encoded, strict=True):
        find: FindCuts = search.text
        if part.get_content_subtype() == "html":
            find = partial(search.html, with_pixel=not has_pixel)
            has_pixel = True
        charset = part.get_content_charset() or ""
        yield encoded_part(content, _transfer_encoding(part), charset, find)


def _folded(field: tuple[str, str]) -> bytes:
    """Answer a header as it is sent."""
    line: str = SMTP.fold(*SMTP.header_store_parse(*field))
    return line.encode("ascii", "surrogateescape")
