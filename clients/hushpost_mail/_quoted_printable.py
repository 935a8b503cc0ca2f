"""Quoted-printable (RFC 2045, 6.7) with places: changed where a message changes, nowhere else."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hushpost_mail._pieces import Cut
from hushpost_mail._urls import TOKEN_CHARACTERS

__all__ = ["QuotedPrintable"]

# A soft line break, an encoded byte, or white space before a line's end, which
# was added on the way; anything else stands for itself.
_TOKEN = re.compile(
    rb"(?P<soft>=[ \t]*\r?\n)|=(?P<hex>[0-9A-Fa-f]{2})|(?P<padding>[ \t]+(?=\r?\n))|.", re.DOTALL
)
_NOT_LITERAL = re.compile(rb"[^!-<>-~]")
_UNIT = re.compile(rb"=[0-9A-F]{2}|.", re.DOTALL)
_SOFT = b"=\r\n"

_LINE_BYTES = 76
"""Of an encoded line, a soft break's "=" included."""


@dataclass(frozen=True, slots=True)
class QuotedPrintable:
    """A decoded content and where each byte came from.

    Attributes:
        content: The bytes.
        starts: Where each of them stands in the encoded form; and its end.
        ends: Where each of them ends there.
    """

    content: bytes
    starts: list[int]
    ends: list[int]

    @classmethod
    def decode(cls, encoded: bytes) -> "QuotedPrintable":
        """Decode; what is not well-formed stands for itself."""
        content = bytearray()
        starts, ends = [], []
        for token in _TOKEN.finditer(encoded):
            if token["soft"] is None and token["padding"] is None:
                content += bytes.fromhex(token["hex"].decode()) if token["hex"] else token[0]
                starts.append(token.start())
                ends.append(token.end())
        return cls(bytes(content), [*starts, len(encoded)], [0, *ends])

    def in_encoded(self, cuts: Iterable[Cut[bytes]]) -> list[Cut[bytes]]:
        """Translate cuts of the content into cuts of the encoded form.

        What is put in gets lines of its own, so that no line becomes too long
        whatever stands around it.
        """
        return [
            Cut(
                self.starts[place.start],
                self.starts[place.start] if place.start == place.end else self.ends[place.end],
                _SOFT + _lines(place.before) + _SOFT,
                place.slot,
                _lines(place.after, taken=TOKEN_CHARACTERS) + _SOFT,
            )
            for place in cuts
        ]


def _lines(content: bytes, taken: int = 0) -> bytes:
    """Encode what is put in, with a soft break after each full line.

    `taken`: How many characters the first line has already.
    """
    encoded = _NOT_LITERAL.sub(lambda byte: b"=%02X" % ord(byte[0]), content)
    lines, room = [b""], _LINE_BYTES - 1 - taken
    for unit in _UNIT.findall(encoded):
        if len(lines[-1]) + len(unit) > room:
            lines.append(b"")
            room = _LINE_BYTES - 1
        lines[-1] += unit
    return _SOFT.join(lines)
