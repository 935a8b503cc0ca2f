"""Decodes a part and maps positions in its text back to positions in its bytes.

Links are found in the decoded text but replaced in the bytes, so that everything else
keeps its bytes in any charset.
"""

import codecs
from collections.abc import Iterable
from dataclasses import dataclass

from hushpost_mail._segments import Replacement

__all__ = ["DecodedText", "decode"]

# Invalid bytes are read as U+FFFD. They are never encoded again, so they stay as they are.
_ERRORS = "replace"

# The plain names of these codecs mean "read the byte order mark". Inserted text needs the
# codec of that byte order, which writes no mark.
_BYTE_ORDERS = {
    "utf-16": (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16-be"),
    "utf-32": (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32-be"),
}


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A decoded text with the byte position of every character.

    Attributes:
        text: The text, including a byte order mark.
        codec: The Python codec for inserted text.
        ends: The byte index after each character; None if every character is one byte.
        size: The number of bytes.
    """

    text: str
    codec: str
    ends: list[int] | None
    size: int

    def byte_replacements(
        self, replacements: Iterable[Replacement[str]]
    ) -> list[Replacement[bytes]]:
        """Convert replacements in the text to replacements in the bytes."""
        return [
            Replacement(
                self._byte_start(text.start),
                self._byte_start(text.end) if text.start == text.end else self._byte_end(text.end),
                text.before.encode(self.codec),
                text.token_kind,
                text.after.encode(self.codec),
            )
            for text in replacements
        ]

    def _byte_start(self, index: int) -> int:
        """Return where the bytes of a character start, which must be ASCII.

        The start is counted back from the end of the character. The bytes before it may
        be an escape sequence (ISO-2022-JP), which must stay.
        """
        if self.ends is None:
            return index
        if index == len(self.text):
            return self.size
        return self.ends[index] - len(self.text[index].encode(self.codec, _ERRORS))

    def _byte_end(self, index: int) -> int:
        return index if self.ends is None else self.ends[index - 1]


def decode(content: bytes, charset: str) -> DecodedText:
    """Decode bytes; an unknown charset is read as ASCII and an empty one as UTF-8."""
    codec = _codec(content, charset)
    text = content.decode(codec, _ERRORS)
    if len(text) == len(content):
        return DecodedText(text, codec, None, len(content))
    decoder = codecs.getincrementaldecoder(codec)(_ERRORS)
    characters: list[str] = []
    ends: list[int] = []
    for index in range(len(content)):
        is_last = index == len(content) - 1
        decoded = decoder.decode(content[index : index + 1], is_last)
        characters.append(decoded)
        ends.extend([index + 1] * len(decoded))
    return DecodedText("".join(characters), codec, ends, len(content))


def _codec(content: bytes, charset: str) -> str:
    try:
        name = codecs.lookup(charset or "utf-8").name
        "".encode(name)  # raises LookupError for codecs that are not charsets, such as "hex"
    except LookupError:
        return "ascii"
    if name in _BYTE_ORDERS:
        little_endian_mark, little_endian, big_endian = _BYTE_ORDERS[name]
        # RFC 2781: big-endian if there is no mark.
        return little_endian if content.startswith(little_endian_mark) else big_endian
    return name
