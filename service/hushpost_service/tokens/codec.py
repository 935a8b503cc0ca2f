"""Seals and opens tokens, the opaque values in the URLs of a message. Pure.

A tracking token is base64url without padding of
`version 1 | key id 1 | campaign number 8 | AES-SIV(contact 8 | group 4 | slot 4)`
(sizes in bytes), with the header as associated data: 42 bytes, 56 characters.
AES-SIV (RFC 5297) is deterministic, so the AGGREGATE tokens of a group are identical.

A preference token is `version 1 | key id 1 | tenant 8 | AES-SIV(contact 8)`, with
another version and separate keys: neither kind opens as the other.
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
"""The contact number of ANONYMOUS and AGGREGATE tokens."""

NO_SLOT = 0xFFFF_FFFF
"""The slot of AGGREGATE tokens, which a whole group shares."""

_TRACKING = 1
_PREFERENCE = 2
_HEADER = Struct(">BBQ")
_TRACKING_BODY = Struct(">QII")
_TRACKING_BODIES = np.dtype([("contact", ">u8"), ("group", ">u4"), ("slot", ">u4")])
_PREFERENCE_BODY = Struct(">Q")
# Offsets of the tag, the ciphertext and the end of a tracking token.
_TAG = _HEADER.size
_CIPHERTEXT = _TAG + BLOCK
_TRACKING_BYTES = _CIPHERTEXT + BLOCK
_TRACKING_CHARACTERS = 56
_PREFERENCE_CHARACTERS = 46
_TENANT_SHIFT = 40
_MAX_CAMPAIGN = 2**63 - 1

_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")


C = TypeVar("C", int, Numbers)


class TrackingToken(NamedTuple):
    """The content of a tracking token."""

    campaign: int
    contact: int
    group: int
    slot: int


class PreferenceToken(NamedTuple):
    """The content of a preference token."""

    tenant: int
    contact: int


def tenant_of(campaign: C) -> C:
    """Return the tenant of a campaign number, or of each number in a column.

    The upper 24 bits are the tenant, so that no lookup has to span tenants. The lower
    40 bits are random, so that campaigns can be neither counted nor guessed.
    """
    return campaign >> _TENANT_SHIFT


def campaign_number(tenant: int, serial: int) -> int:
    """Return the campaign number for a tenant and a random serial of 40 bits."""
    return tenant << _TENANT_SHIFT | serial


def campaign_of(text: str) -> int:
    """Return the campaign number, which is not encrypted. Raises TOKEN_INVALID."""
    raw = _decoded(text[:16], 16)
    if raw is None or raw[0] != _TRACKING:
        raise _invalid()
    return int(_HEADER.unpack_from(raw)[2])


class TokenCodec:
    """Seals and opens tokens with the keys of a keyring."""

    def __init__(self, keyring: Keyring) -> None:
        self._active = keyring.active
        self._keyring = keyring
        # Bounded, because a forged token can name any tenant.
        self._cipher: Callable[[int, int, int], AESSIV] = lru_cache(4096)(
            lambda kind, key_id, tenant: AESSIV(keyring.key(key_id, _PURPOSES[kind], tenant))
        )
        # Keyed by header, because all tokens of a campaign share one.
        self._opener = lru_cache(4096)(self._opener_of)
        self._blocks = lru_cache(4096)(self._blocks_of)
        self._decoy_key = AESSIV.generate_key(512)
        self._decoy = AESSIV(self._decoy_key)

    def seal(self, token: TrackingToken) -> str:
        """Return a tracking token of 56 characters."""
        return self.seal_batch(token.campaign, token.group, [token.contact], [token.slot])[0]

    def seal_batch(
        self, campaign: int, group: int, contacts: Sequence[int], slots: Sequence[int]
    ) -> list[str]:
        """Return the tracking tokens for contacts of a group, each with its slot."""
        header = _HEADER.pack(_TRACKING, self._active, campaign)
        bodies = b"".join(map(_TRACKING_BODY.pack, contacts, repeat(group), slots))
        return _encoded([header + part for part in self._blocks(header)[0].seal(bodies)])

    def open(self, text: str) -> TrackingToken:
        """Open a tracking token. Raises TOKEN_INVALID for every kind of defect."""
        raw = _decoded(text, _TRACKING_CHARACTERS)
        body, campaign = self._opened(_TRACKING, raw)
        contact, group, slot = _TRACKING_BODY.unpack(body)
        return TrackingToken(campaign, contact, group, slot)

    def open_batch(self, texts: Sequence[str]) -> tuple[Numbers, Flags]:
        """Open many tracking tokens, at a fraction of the cost of `open` per token.

        Returns:
            Contents of shape (tokens, fields of `TrackingToken`), and which tokens are
            valid. The contents of the others are meaningless.
        """
        raw = _decoded_batch(texts)
        if raw is None:
            return self._opened_one_by_one(texts)
        tokens = np.frombuffer(raw, np.uint8).reshape(-1, _TRACKING_BYTES)
        contents = np.empty((len(texts), len(TrackingToken._fields)), np.int64)
        is_valid = np.empty(len(texts), np.bool_)
        headers = np.ascontiguousarray(tokens[:, :_TAG]).view(f"V{_TAG}").ravel()
        rows_by_header: dict[bytes, list[int]] = {}
        for row, header in enumerate(headers.tolist()):
            rows_by_header.setdefault(header, []).append(row)
        for header, rows in rows_by_header.items():
            blocks, campaign = self._blocks(header)
            tags, ciphertexts = tokens[rows, _TAG:_CIPHERTEXT], tokens[rows, _CIPHERTEXT:]
            bodies, is_valid[rows] = blocks.open(tags.tobytes(), ciphertexts.tobytes())
            opened = np.frombuffer(bodies, _TRACKING_BODIES)
            for column, name in enumerate(_TRACKING_BODIES.names or (), 1):
                contents[rows, column] = opened[name]
            # An invalid token may name a campaign that does not fit 63 bits.
            contents[rows, 0] = campaign & _MAX_CAMPAIGN
        return contents, is_valid

    def _opened_one_by_one(self, texts: Sequence[str]) -> tuple[Numbers, Flags]:
        contents = np.zeros((len(texts), len(TrackingToken._fields)), np.int64)
        is_valid = np.zeros(len(texts), np.bool_)
        for row, text in enumerate(texts):
            with suppress(HushpostError):
                contents[row] = self.open(text)
                is_valid[row] = True
        return contents, is_valid

    def seal_preferences(self, tenant: int, contacts: Sequence[int]) -> list[str]:
        """Return the preference tokens of contacts, of 46 characters each."""
        header = _HEADER.pack(_PREFERENCE, self._active, tenant)
        key = self._keyring.key(self._active, _PURPOSES[_PREFERENCE], tenant)
        bodies = b"".join(map(_PREFERENCE_BODY.pack, contacts))
        sealed = BlockSiv(key, header, _PREFERENCE_BODY.size).seal(bodies)
        return _encoded([header + part for part in sealed])

    def open_preference(self, text: str) -> PreferenceToken:
        """Open a preference token. Raises TOKEN_INVALID for every kind of defect."""
        raw = _decoded(text, _PREFERENCE_CHARACTERS)
        body, tenant = self._opened(_PREFERENCE, raw)
        return PreferenceToken(tenant, _PREFERENCE_BODY.unpack(body)[0])

    def _opened(self, kind: int, raw: bytes | None) -> tuple[bytes, int]:
        """Return the decrypted body, and the number in the header.

        Malformed tokens and unknown keys are decrypted with a decoy key, so that the
        response time does not reveal why a token was rejected.
        """
        if raw is None:
            raw = bytes(42)
        decrypt, associated, number = self._opener(kind, raw[:10])
        try:
            return decrypt(raw[10:], associated), number
        except InvalidTag:
            raise _invalid() from None

    def _opener_of(self, kind: int, header: bytes) -> "tuple[_Decrypt, list[bytes], int]":
        """Return the cipher, associated data and number for a header."""
        version, key_id, number = _HEADER.unpack(header)
        cipher = self._decoy
        if version == kind:
            tenant = number if kind == _PREFERENCE else tenant_of(number)
            with suppress(KeyError):
                cipher = self._cipher(kind, key_id, tenant)
        return cipher.decrypt, [header], number

    def _blocks_of(self, header: bytes) -> tuple[BlockSiv, int]:
        """Return the batch cipher and the campaign for a header."""
        version, key_id, campaign = _HEADER.unpack(header)
        key = self._decoy_key
        if version == _TRACKING:
            with suppress(KeyError):
                key = self._keyring.key(key_id, _PURPOSES[_TRACKING], tenant_of(campaign))
        return BlockSiv(key, header), campaign


_Decrypt = Callable[[bytes, list[bytes]], bytes]
_PURPOSES = {_TRACKING: "tracking token", _PREFERENCE: "preference token"}


def _encoded(parts: Sequence[bytes]) -> list[str]:
    """Encode parts of equal length as base64url without padding."""
    # One call encodes all: zeros extend each part to a length that needs no padding.
    length = len(parts[0])
    filler = bytes(-length % 3)
    raw = filler.join(parts) + filler
    text = binascii.b2a_base64(raw, newline=False).translate(_TO_URL_SAFE).decode("ascii")
    step, characters = len(text) // len(parts), -(-length * 4 // 3)
    return [text[at : at + characters] for at in range(0, len(text), step)]


def _decoded(text: str, characters: int) -> bytes | None:
    """Decode unpadded base64url of that length; return None if it is malformed.

    Accepts only the canonical encoding, so that a token has exactly one spelling.
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


def _decoded_batch(texts: Sequence[str]) -> bytes | None:
    """Decode tracking tokens to concatenated bytes; return None if one is malformed.

    Tracking tokens need no padding, so one call can decode them all.
    """
    if set(map(len, texts)) != {_TRACKING_CHARACTERS}:
        return None
    return _decoded("".join(texts), _TRACKING_CHARACTERS * len(texts))


def _invalid() -> HushpostError:
    return HushpostError(Reason.TOKEN_INVALID, "the token is invalid")
