"""Canaries: contacts with unique IDs and numbers that can be found in any encoding."""

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote

__all__ = ["Canaries", "find"]

_CYRILLIC = str.maketrans("0123456789abcdef", "бгджзийлпфцчшщыэ")
_ID_BYTES = 128
_NUMBER_BITS = 24


@dataclass(frozen=True)
class Canaries:
    """Contacts of one kind, with a common ID prefix and a common number prefix.

    The IDs are in equal parts short, of maximum length, Cyrillic, and UUIDs.

    Attributes:
        mark: The prefix of each ID.
        tag: The upper five bytes of each number.
    """

    kind: str
    count: int
    mark: str = field(default_factory=lambda: secrets.token_hex(6))
    tag: int = field(default_factory=lambda: secrets.randbits(38) | 1 << 38)

    @property
    def first_number(self) -> int:
        """The number of the first contact."""
        return self.tag << _NUMBER_BITS

    @cached_property
    def names(self) -> list[str]:
        """The contact IDs."""
        return [self._name(number) for number in range(self.count)]

    def _name(self, number: int) -> str:
        name = f"{self.mark}{number:08x}"
        shape = number % 4
        if shape == 1:
            return name + secrets.token_hex(_ID_BYTES)[: _ID_BYTES - len(name)]
        if shape == 2:
            return name.translate(_CYRILLIC)
        if shape == 3:
            return f"{name[:8]}-{name[8:12]}-4{name[12:15]}-8{name[15:18]}-{secrets.token_hex(6)}"
        return name

    @cached_property
    def id_forms(self) -> dict[str, bytes]:
        """Encodings of the ID prefix by name, each long enough to exclude random matches."""
        cyrillic = self.mark.translate(_CYRILLIC)
        escaped = cyrillic.encode("ascii", "backslashreplace")
        return {
            "text": self.mark.encode(),
            "upper case": self.mark.upper().encode(),
            "UUID": f"{self.mark[:8]}-{self.mark[8:]}".encode(),
            "escaped": escaped,
            "percent": quote(cyrillic).encode(),
            "UTF-16": cyrillic.encode("utf-16-le"),
            **_forms("id", self.mark.encode()),
            **_forms("Cyrillic", cyrillic.encode()),
            **_forms("UUID", bytes.fromhex(self.mark)),
        }

    @cached_property
    def number_forms(self) -> dict[str, bytes]:
        """Encodings of the number prefix by name."""
        little = self.tag.to_bytes(5, "little")
        return {
            # The first 11 of 19 digits; the lower 24 bits do not affect them.
            "decimal": str(self.first_number)[:11].encode(),
            **_forms("little-endian", little),
            **_forms("big-endian", self.tag.to_bytes(5, "big")),
        }


def _forms(what: str, raw: bytes) -> dict[str, bytes]:
    """Return bytes raw, in hex, and in base64 at each of the three alignments."""
    forms = {
        f"{what}, raw": raw,
        f"{what}, hex": raw.hex().encode(),
        f"{what}, HEX": raw.hex().upper().encode(),
    }
    for place in range(3):
        # Omit characters that depend on adjacent bytes.
        text = base64.b64encode(bytes(place) + raw)
        middle = text[-(-place * 8 // 6) : (place + len(raw)) * 8 // 6]
        forms[f"{what}, base64 at {place}"] = middle
        forms[f"{what}, base64url at {place}"] = middle.replace(b"+", b"-").replace(b"/", b"_")
    return forms


def find(content: bytes, forms: dict[str, bytes]) -> Iterator[int]:
    """Yield the offsets at which one of the forms occurs."""
    for form in set(forms.values()):
        place = content.find(form)
        while place >= 0:
            yield place
            place = content.find(form, place + 1)
