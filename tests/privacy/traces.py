"""Canaries: contacts whose ids and numbers occur nowhere else, and the search for them."""

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
    """Contacts of one kind: what their ids have in common, and what their numbers have.

    A quarter of the ids each are short, as long as may be, Cyrillic, and UUIDs.
    The mark is what to look for: it begins each id, and the upper five bytes of
    each number are the `tag`.
    """

    kind: str
    count: int
    mark: str = field(default_factory=lambda: secrets.token_hex(6))
    tag: int = field(default_factory=lambda: secrets.randbits(38) | 1 << 38)

    @property
    def first_number(self) -> int:
        """The number that the first of them is to have."""
        return self.tag << _NUMBER_BITS

    @cached_property
    def names(self) -> list[str]:
        """Their ids."""
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
        """What an id may look like, by form: enough of it to be no accident."""
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
        """What a number may look like, by form."""
        little = self.tag.to_bytes(5, "little")
        return {
            # Of 19 digits; those that the lower 24 bits may change are left out.
            "decimal": str(self.first_number)[:11].encode(),
            **_forms("little-endian", little),
            **_forms("big-endian", self.tag.to_bytes(5, "big")),
        }


def _forms(what: str, raw: bytes) -> dict[str, bytes]:
    """Return bytes as they are, in hex, and in base64 at each of three places."""
    forms = {
        f"{what}, raw": raw,
        f"{what}, hex": raw.hex().encode(),
        f"{what}, HEX": raw.hex().upper().encode(),
    }
    for place in range(3):
        # Characters that depend on the neighbours are left out.
        text = base64.b64encode(bytes(place) + raw)
        middle = text[-(-place * 8 // 6) : (place + len(raw)) * 8 // 6]
        forms[f"{what}, base64 at {place}"] = middle
        forms[f"{what}, base64url at {place}"] = middle.replace(b"+", b"-").replace(b"/", b"_")
    return forms


def find(content: bytes, forms: dict[str, bytes]) -> Iterator[int]:
    """Go through the places where one of some forms stands."""
    for form in set(forms.values()):
        place = content.find(form)
        while place >= 0:
            yield place
            place = content.find(form, place + 1)
