"""Edits quoted-printable content (RFC 2045, 6.7) in its encoded form."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from hushpost_mail._segments import TOKEN_LENGTH, Replacement

__all__ = ["QuotedPrintable"]

# A soft line break, an encoded byte, or white space at the end of a line, which a mail
# server added; other bytes are literal.
_ENCODED_UNIT = re.compile(
    rb"(?P<soft_break>=[ \t]*\r?\n)|=(?P<hex>[0-9A-Fa-f]{2})|(?P<padding>[ \t]++(?=\r?\n))"
    rb"|[^= \t]+|[ \t]+|.",
    re.DOTALL,
)
_NOT_LITERAL = re.compile(rb"[^!-<>-~]")
_UNBREAKABLE = re.compile(rb"=[0-9A-F]{2}|.", re.DOTALL)
_SOFT_BREAK = b"=\r\n"

_MAX_LINE_BYTES = 76
"""Includes the "=" of a soft line break."""


@dataclass(frozen=True, slots=True)
class QuotedPrintable:
    """Decoded content whose bytes have known positions in the encoded form.

    Attributes:
        content: The decoded bytes.
        starts: Where each run of bytes starts in the content.
        encoded_starts: Where it starts in the encoded form.
        encoded_sizes: How many bytes of the encoded form each of its bytes has: 1 or 3.
        encoded_size: The size of the encoded form.
    """

    content: bytes
    starts: list[int]
    encoded_starts: list[int]
    encoded_sizes: list[int]
    encoded_size: int

    @classmethod
    def decode(cls, encoded: bytes) -> "QuotedPrintable":
        """Decode; malformed escapes are taken literally."""
        content = bytearray()
        starts, encoded_starts, sizes = [], [], []
        for unit in _ENCODED_UNIT.finditer(encoded):
            if unit["soft_break"] is None and unit["padding"] is None:
                starts.append(len(content))
                encoded_starts.append(unit.start())
                sizes.append(3 if unit["hex"] else 1)
                content += bytes.fromhex(unit["hex"].decode()) if unit["hex"] else unit[0]
        return cls(bytes(content), starts, encoded_starts, sizes, len(encoded))

    def encoded_replacements(
        self, replacements: Iterable[Replacement[bytes]]
    ) -> list[Replacement[bytes]]:
        """Convert replacements in the content to replacements in the encoded form.

        Inserted bytes get lines of their own, so no line exceeds 76 bytes.
        """
        return [
            Replacement(
                self._start(content.start),
                self._start(content.start)
                if content.start == content.end
                else self._end(content.end),
                _SOFT_BREAK + _encode_lines(content.before) + _SOFT_BREAK,
                content.token_kind,
                _encode_lines(content.after, first_line_used=TOKEN_LENGTH) + _SOFT_BREAK,
            )
            for content in replacements
        ]

    def _start(self, index: int) -> int:
        """Return where the encoded form of a byte starts."""
        if index == len(self.content):
            return self.encoded_size
        run = bisect_right(self.starts, index) - 1
        return self.encoded_starts[run] + index - self.starts[run]

    def _end(self, index: int) -> int:
        """Return where the encoded form of the byte before `index` ends."""
        run = bisect_left(self.starts, index) - 1
        return self._start(index - 1) + self.encoded_sizes[run]


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
