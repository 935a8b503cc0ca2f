"""Places of a text, as places of the bytes that it was decoded from."""

import codecs
from collections.abc import Iterable
from dataclasses import dataclass

from hushpost_mail._pieces import Cut

__all__ = ["Decoded", "decode"]

# What a charset does not know is read as U+FFFD and stays what it is: it is
# never written anew.
_ERRORS = "replace"

# Their plain names stand for "look at the byte order mark"; what is put in
# later must have the same order and no mark of its own.
_MARKED = {
    "utf-16": (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16-be"),
    "utf-32": (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32-be"),
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and where its characters stand in the bytes.

    Attributes:
        text: The characters, byte order mark included.
        codec: Encodes what is put in.
        ends: Index after the bytes of each character; None where a character is a byte.
        size: How many bytes there are.
    """

    text: str
    codec: str
    ends: list[int] | None
    size: int

    def in_bytes(self, cuts: Iterable[Cut[str]]) -> list[Cut[bytes]]:
        """Translate cuts of the text."""
        return [
            Cut(
                self._start(place.start),
                self._start(place.end) if place.start == place.end else self._end(place.end),
                place.before.encode(self.codec),
                place.slot,
                place.after.encode(self.codec),
            )
            for place in cuts
        ]

    def _start(self, index: int) -> int:
        """Answer where a character starts that is ASCII, as all are that cuts start with.

        Counted back from its end: what precedes it in the bytes may be a change
        of state (ISO-2022-JP) that must stay.
        """
        if self.ends is None:
            return index
        if index == len(self.text):
            return self.size
        return self.ends[index] - len(self.text[index].encode(self.codec, _ERRORS))

    def _end(self, index: int) -> int:
        return index if self.ends is None else self.ends[index - 1]


def decode(content: bytes, charset: str) -> Decoded:
    """Decode bytes of any charset; one that is not known is taken for ASCII and more."""
    codec = _codec(content, charset)
    text = content.decode(codec, _ERRORS)
    if len(text) == len(content):
        return Decoded(text, codec, None, len(content))
    decoder = codecs.getincrementaldecoder(codec)(_ERRORS)
    characters: list[str] = []
    ends: list[int] = []
    for index in range(len(content)):
        final = index == len(content) - 1
        made = decoder.decode(content[index : index + 1], final)
        characters.append(made)
        ends.extend([index + 1] * len(made))
    return Decoded("".join(characters), codec, ends, len(content))


def _codec(content: bytes, charset: str) -> str:
    try:
        name = codecs.lookup(charset or "utf-8").name
        "".encode(name)  # some codecs are no charsets
    except LookupError:
        return "ascii"
    if name in _MARKED:
        mark, little, big = _MARKED[name]
        # RFC 2781: without a mark it is big-endian.
        return little if content.startswith(mark) else big
    return name
