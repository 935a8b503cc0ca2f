"""Tokens: what stands in the URLs of a message. Pure.

A tracking token is, in base64url without padding,
`version 1 | key id 1 | campaign number 8 | AES-SIV(contact 8 | group 4 | slot 4)`
in bytes, the header being associated data: 42 bytes, 56 characters. AES-SIV
(RFC 5297) is deterministic, so that the tokens of a group in AGGREGATE are the
same bytes by construction.

A preference token is of its own kind:
`version 1 | key id 1 | tenant 8 | AES-SIV(contact 8)`, under keys of its own.
"""

import binascii
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import repeat
from struct import Struct
from typing import NamedTuple, TypeVar

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.events import Flags, Numbers
from hushpost_service.tokens.aes_siv import BLOCK, BlockSiv
from hushpost_service.tokens.keyring import Keyring

__all__ = [
    "NO_CONTACT",
    "NO_SLOT",
    "PreferenceToken",
    "TokenCodec",
    "TrackingToken",
    "campaign_number",
    "campaign_of",
    "tenant_of",
]

NO_CONTACT = 0
"""The contact of a token that names none."""

NO_SLOT = 0xFFFF_FFFF
"""The slot of a token that a whole group shares."""

_TRACKING = 1
_PREFERENCE = 2
_HEADER = Struct(">BBQ")
_TRACKING_BODY = Struct(">QII")
_TRACKING_BODIES = np.dtype([("contact", ">u8"), ("group", ">u4"), ("slot", ">u4")])
_PREFERENCE_BODY = Struct(">Q")
# Where tag, hidden body and end of a tracking token stand in its bytes.
_TAG = _HEADER.size
_HIDDEN = _TAG + BLOCK
_TRACKING_BYTES = _HIDDEN + BLOCK
_TRACKING_CHARACTERS = 56
_PREFERENCE_CHARACTERS = 46
_TENANT_SHIFT = 40
_MAX_CAMPAIGN = 2**63 - 1

_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")


C = TypeVar("C", int, Numbers)


class TrackingToken(NamedTuple):
    """What a tracking token holds."""

    campaign: int
    contact: int
    group: int
    slot: int


class PreferenceToken(NamedTuple):
    """What a preference token holds."""

    tenant: int
    contact: int


def tenant_of(campaign: C) -> C:
    """Return the tenant of a campaign number, or of each of some: its upper 24 bits.

    So that the tenant is known without asking a table that spans tenants. The
    lower 40 bits are random: campaigns cannot be counted or guessed.
    """
    return campaign >> _TENANT_SHIFT


def campaign_number(tenant: int, serial: int) -> int:
    """Return the number of a tenant's campaign with a random serial of 40 bits."""
    return tenant << _TENANT_SHIFT | serial


def campaign_of(text: str) -> int:
    """Return the campaign number, which is in clear. Raises TOKEN_INVALID."""
    raw = _decoded(text[:16], 16)
    if raw is None or raw[0] != _TRACKING:
        raise _invalid()
    return int(_HEADER.unpack_from(raw)[2])


class TokenCodec:
    """Seals and opens tokens with the keys of a keyring."""

    def __init__(self, keyring: Keyring) -> None:
        self._active = keyring.active
        self._keyring = keyring
        # Bounded, because the tenant comes from whoever made up the token.
        self._cipher: Callable[[int, int, int], AESSIV] = lru_cache(4096)(
            lambda kind, key_id, tenant: AESSIV(keyring.key(key_id, _PURPOSES[kind], tenant))
        )
        # By header, because all tokens of a campaign have the same.
        self._opener = lru_cache(4096)(self._opener_of)
        self._blocks = lru_cache(4096)(self._blocks_of)
        self._decoy_key = AESSIV.generate_key(512)
        self._decoy = AESSIV(self._decoy_key)

    def seal(self, token: TrackingToken) -> str:
        """Return the 56 characters that stand in a message's URLs."""
        return self.seal_batch(token.campaign, token.group, [token.contact], [token.slot])[0]

    def seal_batch(
        self, campaign: int, group: int, contacts: Sequence[int], slots: Sequence[int]
    ) -> list[str]:
        """Return the tokens of messages to contacts of a group, each with its slot."""
        header = _HEADER.pack(_TRACKING, self._active, campaign)
        bodies = b"".join(map(_TRACKING_BODY.pack, contacts, repeat(group), slots))
        return _encoded([header + part for part in self._blocks(header)[0].seal(bodies)])

    def open(self, text: str) -> TrackingToken:
        """Open a tracking token. Raises TOKEN_INVALID, whatever is wrong with it."""
        raw = _decoded(text, _TRACKING_CHARACTERS)
        body, campaign = self._opened(_TRACKING, raw)
        contact, group, slot = _TRACKING_BODY.unpack(body)
        return TrackingToken(campaign, contact, group, slot)

    def open_batch(self, texts: Sequence[str]) -> "tuple[Numbers, Flags]":
        """Open tracking tokens; return parts of shape (how many, 4), and which did open.

        Parts of those that did not are meaningless. As `open`, which
        costs far more for each.
        """
        raw = _decoded_together(texts)
        if raw is None:
            return self._opened_one_by_one(texts)
        tokens = np.frombuffer(raw, np.uint8).reshape(-1, _TRACKING_BYTES)
        parts = np.empty((len(texts), len(TrackingToken._fields)), np.int64)
        is_open = np.empty(len(texts), np.bool_)
        headers = np.ascontiguousarray(tokens[:, :_TAG]).view(f"V{_TAG}").ravel()
        places: dict[bytes, list[int]] = {}
        for place, header in enumerate(headers.tolist()):
            places.setdefault(header, []).append(place)
        for header, of_header in places.items():
            blocks, campaign = self._blocks(header)
            tags, hidden = tokens[of_header, _TAG:_HIDDEN], tokens[of_header, _HIDDEN:]
            bodies, is_open[of_header] = blocks.open(tags.tobytes(), hidden.tobytes())
            opened = np.frombuffer(bodies, _TRACKING_BODIES)
            for column, name in enumerate(_TRACKING_BODIES.names or (), 1):
                parts[of_header, column] = opened[name]
            # One that does not open may claim any number.
            parts[of_header, 0] = campaign & _MAX_CAMPAIGN
        return parts, is_open

    def _opened_one_by_one(self, texts: Sequence[str]) -> "tuple[Numbers, Flags]":
        parts = np.zeros((len(texts), len(TrackingToken._fields)), np.int64)
        is_open = np.zeros(len(texts), np.bool_)
        for place, text in enumerate(texts):
            with suppress(HushpostError):
                parts[place] = self.open(text)
                is_open[place] = True
        return parts, is_open

    def seal_preferences(self, tenant: int, contacts: Sequence[int]) -> list[str]:
        """Return the contacts' preference tokens, of 46 characters each."""
        header = _HEADER.pack(_PREFERENCE, self._active, tenant)
        key = self._keyring.key(self._active, _PURPOSES[_PREFERENCE], tenant)
        bodies = b"".join(map(_PREFERENCE_BODY.pack, contacts))
        sealed = BlockSiv(key, header, _PREFERENCE_BODY.size).seal(bodies)
        return _encoded([header + part for part in sealed])

    def open_preference(self, text: str) -> PreferenceToken:
        """Open a preference token. Raises TOKEN_INVALID, whatever is wrong with it."""
        raw = _decoded(text, _PREFERENCE_CHARACTERS)
        body, tenant = self._opened(_PREFERENCE, raw)
        return PreferenceToken(tenant, _PREFERENCE_BODY.unpack(body)[0])

    def _opened(self, kind: int, raw: bytes | None) -> tuple[bytes, int]:
        """Return the body and the number in the header.

        A token that cannot be opened at all is tried on a decoy key, so that
        the time taken does not tell why it was refused.
        """
        if raw is None:
            raw = bytes(42)
        decrypt, associated, number = self._opener(kind, raw[:10])
        try:
            return decrypt(raw[10:], associated), number
        except InvalidTag:
            raise _invalid() from None

    def _opener_of(self, kind: int, header: bytes) -> "tuple[_Decrypt, list[bytes], int]":
        """Return how to open tokens with that header, and the number in it."""
        version, key_id, number = _HEADER.unpack(header)
        cipher = self._decoy
        if version == kind:
            tenant = number if kind == _PREFERENCE else tenant_of(number)
            with suppress(KeyError):
                cipher = self._cipher(kind, key_id, tenant)
        return cipher.decrypt, [header], number

    def _blocks_of(self, header: bytes) -> tuple[BlockSiv, int]:
        """Return how to seal and open many tokens with that header, and its campaign."""
        version, key_id, campaign = _HEADER.unpack(header)
        key = self._decoy_key
        if version == _TRACKING:
            with suppress(KeyError):
                key = self._keyring.key(key_id, _PURPOSES[_TRACKING], tenant_of(campaign))
        return BlockSiv(key, header), campaign


_Decrypt = Callable[[bytes, list[bytes]], bytes]
_PURPOSES = {_TRACKING: "tracking token", _PREFERENCE: "preference token"}


def _encoded(parts: Sequence[bytes]) -> list[str]:
    """Return bytes, all of one length, in base64url without padding."""
    # Encoded in one, each filled up with zeros to a length that needs no padding.
    length = len(parts[0])
    filler = bytes(-length % 3)
    raw = filler.join(parts) + filler
    text = binascii.b2a_base64(raw, newline=False).translate(_TO_URL_SAFE).decode("ascii")
    step, characters = len(text) // len(parts), -(-length * 4 // 3)
    return [text[at : at + characters] for at in range(0, len(text), step)]


def _decoded(text: str, characters: int) -> bytes | None:
    """Return the bytes of unpadded base64url of that length, or None.

    Strict, and only the encoding that `_encoded` makes: two spellings of one
    token would be two tokens to whoever compares URLs.
    """
    if len(text) != characters or not text.isascii() or "+" in text or "/" in text:
        return None
    padding = b"=" * (-characters % 4)
    standard = text.encode("ascii").translate(_TO_STANDARD)
    try:
        raw = binascii.a2b_base64(standard + padding, strict_mode=True)
    except binascii.Error:
        return None
    if padding and binascii.b2a_base64(raw, newline=False) != standard + padding:
        return None
    return raw


def _decoded_together(texts: Sequence[str]) -> bytes | None:
    """Return the bytes of tracking tokens, one after the other, or None if one is malformed.

    A tracking token needs no padding, so that what is decoded together is what
    each would be alone.
    """
    if set(map(len, texts)) != {_TRACKING_CHARACTERS}:
        return None
    return _decoded("".join(texts), _TRACKING_CHARACTERS * len(texts))


def _invalid() -> HushpostError:
    return HushpostError(Reason.TOKEN_INVALID, "the token does not open")
