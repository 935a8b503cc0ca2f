"""Edits quoted-printable content (RFC 2045, 6.7) in its encoded form."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hushpost_mail._segments import TOKEN_LENGTH, Replacement

__all__ = ["QuotedPrintable"]

# A soft line break, an encoded byte, or white space at the end of a line, which a mail
# server added; any other byte is literal.
_ENCODED_UNIT = re.compile(
    rb"(?P<soft_break>=[ \t]*\r?\n)|=(?P<hex>[0-9A-Fa-f]{2})|(?P<padding>[ \t]+(?=\r?\n))|.",
    re.DOTALL,
)
_NOT_LITERAL = re.compile(rb"[^!-<>-~]")
_UNBREAKABLE = re.compile(rb"=[0-9A-F]{2}|.", re.DOTALL)
_SOFT_BREAK = b"=\r\n"

_MAX_LINE_BYTES = 76
"""Includes the "=" of a soft line break."""


@dataclass(frozen=True, slots=True)
class QuotedPrintable:
    """Decoded content with the encoded position of every byte.

    Attributes:
        content: The decoded bytes.
        starts: For each byte, the index where its encoded form starts; then the length.
        ends: 0; then for each byte, the index after its encoded form.
    """

    content: bytes
    starts: list[int]
    ends: list[int]

    @classmethod
    def decode(cls, encoded: bytes) -> "QuotedPrintable":
        """Decode; malformed escapes are taken literally."""
        content = bytearray()
        starts, ends = [], []
        for unit in _ENCODED_UNIT.finditer(encoded):
            if unit["soft_break"] is None and unit["padding"] is None:
                content += bytes.fromhex(unit["hex"].decode()) if unit["hex"] else unit[0]
                starts.append(unit.start())
                ends.append(unit.end())
        return cls(bytes(content), [*starts, len(encoded)], [0, *ends])

    def encoded_replacements(
        self, replacements: Iterable[Replacement[bytes]]
    ) -> list[Replacement[bytes]]:
        """Convert replacements in the content to replacements in the encoded form.

        Inserted bytes get lines of their own, so no line exceeds 76 bytes.
        """
        return [
            Replacement(
                self.starts[content.start],
                self.starts[content.start]
                if content.start == content.end
                else self.ends[content.end],
                _SOFT_BREAK + _encode_lines(content.before) + _SOFT_BREAK,
                content.token_kind,
                _encode_lines(content.after, first_line_used=TOKEN_LENGTH) + _SOFT_BREAK,
            )
            for content in replacements
        ]


def _encode_lines(content: bytes, first_line_used: int = 0) -> bytes:
    """Encode bytes with soft line breaks.

    Args:
        content: The bytes.
        first_line_used: How many bytes precede them on their first line.
    """
    encoded = _NOT_LITERAL.sub(lambda byte: b"=%02X" % ord(byte[0]), content)
    lines, room = [b""], _MAX_LINE_BYTES - 1 - first_line_used
    for unit in _UNBREAKABLE.findall(encoded):
        if len(lines[-1]) + len(unit) > room:
            lines.append(b"")
            room = _MAX_LINE_BYTES - 1
        lines[-1] += unit
    return _SOFT_BREAK.join(lines)
