"""Decodes a part and maps positions in its text back to positions in its bytes.

Links are found in the decoded text but replaced in the bytes, so that everything else
keeps its bytes in any charset.
"""

import codecs
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from hushpost_mail._segments import Replacement

__all__ = ["DecodedText", "decode"]

# Codecs of Python that are no charsets of messages, or that encode ASCII differently from
# place to place. Their content is read as ASCII, as that of an unknown charset.
_NOT_CHARSETS = frozenset(
    (
        "idna",
        "mbcs",
        "oem",
        "punycode",
        "raw-unicode-escape",
        "undefined",
        "unicode-escape",
        "utf-7",
    )
)

# These codecs read a byte order mark, which is kept as a character. Inserted text needs the
# codec of that byte order, which writes no mark.
_BYTE_ORDERS = {
    "utf-16": (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16-be"),
    "utf-32": (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32-be"),
}
_WITHOUT_MARK = {"utf-8-sig": "utf-8"}

# Bytes that are invalid in UTF-8 are first decoded so that they can be encoded again.
_INVALID_BYTE = re.compile("[\udc80-\udcff]")
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A decoded text that knows the byte positions of its characters.

    Attributes:
        text: The text, including a byte order mark. Invalid bytes are U+FFFD.
        codec: The Python codec for inserted text.
        ends_of: Returns, for ascending indexes from 1, the byte index after the character
            before each of them.
        size: The number of bytes.
    """

    text: str
    codec: str
    ends_of: Callable[[Iterable[int]], Mapping[int, int]]
    size: int

    def byte_replacements(
        self, replacements: Sequence[Replacement[str]]
    ) -> list[Replacement[bytes]]:
        """Convert sorted replacements in the text to replacements in the bytes."""
        indexes = {
            index
            for found in replacements
            for index in (found.start + 1, found.end)
            if 0 < index <= len(self.text)
        }
        ends = self.ends_of(sorted(indexes))

        def start_of(index: int) -> int:
            # Counted back from the end of the character, which must be ASCII. The bytes
            # before it may be an escape sequence (ISO-2022-JP), which must stay.
            if index == len(self.text):
                return self.size
            return ends[index + 1] - len(self.text[index].encode(self.codec, "replace"))

        return [
            Replacement(
                start_of(found.start),
                start_of(found.start) if found.start == found.end else ends[found.end],
                found.before.encode(self.codec),
                found.token_kind,
                found.after.encode(self.codec),
            )
            for found in replacements
        ]


def decode(content: bytes, charset: str) -> DecodedText:
    """Decode bytes; an unknown charset is read as ASCII and an empty one as UTF-8."""
    codec = _codec(content, charset)
    if codec == "utf-8":
        exact = content.decode(codec, "surrogateescape")
        text = _INVALID_BYTE.sub(_REPLACEMENT, exact)
        return DecodedText(text, codec, partial(_ends_in_utf8, exact), len(content))
    text = content.decode(codec, "replace")
    if len(text) == len(content):
        return DecodedText(
            text, codec, lambda indexes: {index: index for index in indexes}, len(content)
        )
    return _decode_by_byte(content, codec)


def _ends_in_utf8(text: str, indexes: Iterable[int]) -> dict[int, int]:
    ends, position, size = {}, 0, 0
    for index in indexes:
        size += len(text[position:index].encode("utf-8", "surrogateescape"))
        position = index
        ends[index] = size
    return ends


def _decode_by_byte(content: bytes, codec: str) -> DecodedText:
    """Decode byte by byte, which tells where each character ends in any charset."""
    decoder = codecs.getincrementaldecoder(codec)("replace")
    characters: list[str] = []
    ends = [0]
    for index in range(len(content)):
        is_last = index == len(content) - 1
        decoded = decoder.decode(content[index : index + 1], is_last)
        characters.append(decoded)
        ends.extend([index + 1] * len(decoded))
    return DecodedText(
        "".join(characters),
        codec,
        lambda indexes: {index: ends[index] for index in indexes},
        len(content),
    )


def _codec(content: bytes, charset: str) -> str:
    try:
        name = codecs.lookup(charset or "utf-8").name.replace("_", "-")
        if name in _NOT_CHARSETS:
            return "ascii"
        "".encode(name)  # raises LookupError for codecs that are not charsets, such as "hex"
    except (LookupError, ValueError):
        return "ascii"
    if name in _BYTE_ORDERS:
        little_endian_mark, little_endian, big_endian = _BYTE_ORDERS[name]
        # RFC 2781: big-endian if there is no mark.
        return little_endian if content.startswith(little_endian_mark) else big_endian
    return _WITHOUT_MARK.get(name, name)
