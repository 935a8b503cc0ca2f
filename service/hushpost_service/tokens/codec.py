"""Seals and opens tokens, the opaque values in the URLs of a message. Pure.

A tracking token is base64url without padding of
`version 1 | key id 1 | campaign number 8 | AES-SIV(contact 8 | purpose 1 | group 3 | slot 4)`
(sizes in bytes), with the header as associated data: 42 bytes, 56 characters.
AES-SIV (RFC 5297) is deterministic, so the AGGREGATE tokens of a group are identical.

A preference token is `version 1 | key id 1 | tenant 8 | AES-SIV(contact 8)`, with
another version and separate keys: neither kind opens as the other.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import suppress
from itertools import repeat
from struct import Struct
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.domain.consent import Purpose
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.events import Flags, Numbers, distinct
from hushpost_service.tokens.aes_siv import BLOCK, BlockSiv
from hushpost_service.tokens.base64url import decoded, encoded
from hushpost_service.tokens.keyring import Keyring

__all__ = [
    "BOTH_PURPOSES",
    "NO_CONTACT",
    "NO_SLOT",
    "OpenedTokens",
    "PreferenceToken",
    "TokenCodec",
    "TrackingToken",
    "campaign_number",
    "campaign_of",
    "preference_tenant_of",
    "tenant_of",
    "token_invalid",
]

NO_CONTACT = 0
"""The contact number of ANONYMOUS and AGGREGATE tokens."""

NO_SLOT = 0xFFFF_FFFF
"""The slot of AGGREGATE tokens, which a whole group shares."""

BOTH_PURPOSES = 0
"""The purpose of tokens that are bound to none, whose opens and clicks both count."""

_TRACKING = 1
_PREFERENCE = 2
_HEADER = Struct(">BBQ")
_TRACKING_BODY = Struct(">QII")
_TRACKING_BODIES = np.dtype([("contact", ">u8"), ("bound_group", ">u4"), ("slot", ">u4")])
_PREFERENCE_BODY = Struct(">Q")
_PURPOSE_SHIFT = 24
_GROUP_MASK = (1 << _PURPOSE_SHIFT) - 1
_PURPOSE_BITS = [purpose << _PURPOSE_SHIFT for purpose in range(len(Purpose) + 1)]
# Offsets of the end of the key's name, the tag, the ciphertext and the end of a tracking
# token. Version, key id and tenant, which are the upper bytes of the campaign, name a key.
_KEY = 5
_TAG = _HEADER.size
_CIPHERTEXT = _TAG + BLOCK
_TRACKING_BYTES = _CIPHERTEXT + BLOCK
_TRACKING_CHARACTERS = 56
_PREFERENCE_CHARACTERS = 46
_TENANT_SHIFT = 40
_CACHED_KEYS = 10_000


C = TypeVar("C", int, Numbers)


class TrackingToken(NamedTuple):
    """The content of a tracking token.

    `purpose` is the number of the `Purpose` whose events count, or BOTH_PURPOSES.
    """

    campaign: int
    contact: int
    group: int
    slot: int
    purpose: int = BOTH_PURPOSES


class OpenedTokens(NamedTuple):
    """The tokens of a batch.

    Attributes:
        contents: Of shape (tokens, fields of `TrackingToken`); zeros for invalid tokens.
        is_valid: Which tokens are valid.
        unknown_tenants: Tenants whose tokens were not opened. They count as invalid.
    """

    contents: Numbers
    is_valid: Flags
    unknown_tenants: set[int]


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
    """Return the campaign number of a tracking token without opening it. Raises TOKEN_INVALID."""
    return _number_of(_TRACKING, text)


def preference_tenant_of(text: str) -> int:
    """Return the tenant of a preference token without opening it. Raises TOKEN_INVALID."""
    return _number_of(_PREFERENCE, text)


def _number_of(kind: int, text: str) -> int:
    """Return the number in a token's header, which is not encrypted. Raises TOKEN_INVALID."""
    raw = decoded(text[:16], 16)
    if raw is None or raw[0] != kind:
        raise token_invalid()
    return int(_HEADER.unpack_from(raw)[2])


class TokenCodec:
    """Seals and opens tokens with the keys of a keyring."""

    def __init__(self, keyring: Keyring) -> None:
        self._active = keyring.active
        self._keyring = keyring
        # A key is cached once it has sealed or opened a token. Forged tokens, which can
        # name any tenant and campaign, therefore evict nothing.
        self._openers: BoundedCache[bytes, _Opener] = BoundedCache(_CACHED_KEYS)
        self._blocks: BoundedCache[bytes, BlockSiv] = BoundedCache(_CACHED_KEYS)
        self._decoy = AESSIV(AESSIV.generate_key(512))

    @property
    def cached_keys(self) -> int:
        """The number of keys that are ready for use."""
        return len(self._openers) + len(self._blocks)

    def seal(self, token: TrackingToken) -> str:
        """Return a tracking token of 56 characters."""
        campaign, contact, group, slot, purpose = token
        return self.seal_batch(campaign, group, [contact], [slot], [purpose])[0]

    def seal_batch(
        self,
        campaign: int,
        group: int,
        contacts: Sequence[int],
        slots: Sequence[int],
        purposes: Iterable[int] = repeat(BOTH_PURPOSES),
    ) -> list[str]:
        """Return the tracking tokens for contacts of a group, each with its slot and purpose."""
        header = _HEADER.pack(_TRACKING, self._active, campaign)
        bound_groups = [bits | group for bits in _PURPOSE_BITS]
        bodies = b"".join(
            map(_TRACKING_BODY.pack, contacts, map(bound_groups.__getitem__, purposes), slots)
        )
        sealed = self._batch_cipher(header[:_KEY]).seal(bodies, header)
        return encoded([header + part for part in sealed])

    def open(self, text: str) -> TrackingToken:
        """Open a tracking token. Raises TOKEN_INVALID, TOKEN_KEY_UNKNOWN."""
        raw = decoded(text, _TRACKING_CHARACTERS)
        body, campaign = self._opened(_TRACKING, raw)
        contact, bound_group, slot = _TRACKING_BODY.unpack(body)
        group, purpose = bound_group & _GROUP_MASK, bound_group >> _PURPOSE_SHIFT
        return TrackingToken(campaign, contact, group, slot, purpose)

    def open_batch(self, texts: Sequence[str], tenants: Container[int]) -> OpenedTokens:
        """Open many tracking tokens, at a fraction of the cost of `open` per token.

        Args:
            texts: The tokens.
            tenants: The tenants whose tokens are opened. Deriving a key costs as much as
                opening 20 tokens, so that forged tokens of thousands of tenants would
                hold up other calls.
        """
        contents = np.zeros((len(texts), len(TrackingToken._fields)), np.int64)
        is_valid = np.zeros(len(texts), np.bool_)
        unknown = set()
        raw, rows = _decoded_batch(texts)
        tokens = np.frombuffer(raw, np.uint8).reshape(-1, _TRACKING_BYTES)
        first, key_of_token = _distinct_keys(tokens)
        for number, token in enumerate(first.tolist()):
            key = tokens[token, :_KEY].tobytes()
            tenant = int.from_bytes(key[2:])
            if key[0] != _TRACKING or key[1] not in self._keyring.secrets:
                continue
            if tenant not in tenants:
                unknown.add(tenant)
                continue
            positions = np.flatnonzero(key_of_token == number)
            of_key = rows[positions]
            contents[of_key], is_valid[of_key] = _opened_blocks(
                self._batch_cipher(key), tokens[positions]
            )
        return OpenedTokens(contents, is_valid, unknown)

    def error(self, text: str) -> HushpostError:
        """Return the error that `open` raises for a tracking token that does not open."""
        return self._error(_TRACKING, decoded(text, _TRACKING_CHARACTERS))

    def _error(self, kind: int, raw: bytes | None) -> HushpostError:
        if raw and raw[0] == kind and raw[1] and raw[1] not in self._keyring.secrets:
            return HushpostError(
                Reason.TOKEN_KEY_UNKNOWN,
                "the token was sealed with a key that this authority does not have",
            )
        return token_invalid()

    def _batch_cipher(self, key: bytes) -> BlockSiv:
        """Return the batch cipher for the first bytes of a tracking token."""
        cipher = self._blocks.get(key)
        if cipher is None:
            _, key_id, *tenant = key
            secret = self._keyring.key(key_id, _KEY_NAMES[_TRACKING], int.from_bytes(tenant))
            cipher = self._blocks[key] = BlockSiv(secret)
        return cipher

    def seal_preferences(self, tenant: int, contacts: Sequence[int]) -> list[str]:
        """Return the preference tokens of contacts, of 46 characters each."""
        header = _HEADER.pack(_PREFERENCE, self._active, tenant)
        key = self._keyring.key(self._active, _KEY_NAMES[_PREFERENCE], tenant)
        bodies = b"".join(map(_PREFERENCE_BODY.pack, contacts))
        sealed = BlockSiv(key, _PREFERENCE_BODY.size).seal(bodies, header)
        return encoded([header + part for part in sealed])

    def open_preference(self, text: str) -> PreferenceToken:
        """Open a preference token. Raises TOKEN_INVALID, TOKEN_KEY_UNKNOWN."""
        raw = decoded(text, _PREFERENCE_CHARACTERS)
        body, tenant = self._opened(_PREFERENCE, raw)
        return PreferenceToken(tenant, _PREFERENCE_BODY.unpack(body)[0])

    def _opened(self, kind: int, raw: bytes | None) -> tuple[bytes, int]:
        """Return the decrypted body, and the number in the header.

        Malformed tokens and unknown keys are decrypted with a decoy key, so that the
        response time does not reveal why a token was rejected.
        """
        if raw is None:
            raw = bytes(_TRACKING_BYTES)
        header = raw[:_TAG]
        opener = self._openers.get(header) if header[0] == kind else None
        decrypt, associated, number = opener or self._opener(kind, header)
        try:
            body = decrypt(raw[_TAG:], associated)
        except InvalidTag:
            raise self._error(kind, raw) from None
        if opener is None:
            self._openers[header] = decrypt, associated, number
        return body, number

    def _opener(self, kind: int, header: bytes) -> "_Opener":
        """Return the cipher, associated data and number for a header."""
        version, key_id, number = _HEADER.unpack(header)
        cipher = self._decoy
        if version == kind:
            tenant = number if kind == _PREFERENCE else tenant_of(number)
            with suppress(KeyError):
                cipher = AESSIV(self._keyring.key(key_id, _KEY_NAMES[kind], tenant))
        return cipher.decrypt, [header], number


_Opener = tuple[Callable[[bytes, list[bytes]], bytes], list[bytes], int]
"""A decryption function, the associated data, and the number in the header."""

_KEY_NAMES = {_TRACKING: "tracking token", _PREFERENCE: "preference token"}


def _decoded_batch(texts: Sequence[str]) -> tuple[bytes, Numbers]:
    """Decode tracking tokens to concatenated bytes; return them and their rows.

    Malformed tokens are left out.
    """
    rows: Sequence[int] = range(len(texts))
    raw = None
    if set(map(len, texts)) == {_TRACKING_CHARACTERS}:
        # Tracking tokens need no padding, so one call can decode them all.
        raw = decoded("".join(texts), _TRACKING_CHARACTERS * len(texts))
    if raw is None:
        parts = [decoded(text, _TRACKING_CHARACTERS) for text in texts]
        rows = [row for row, one in enumerate(parts) if one is not None]
        raw = b"".join([one for one in parts if one is not None])
    return raw, np.array(rows, np.int64)


def _opened_blocks(cipher: BlockSiv, tokens: npt.NDArray[np.uint8]) -> tuple[Numbers, list[bool]]:
    """Open tokens of one key; return their contents, zeros if invalid, and which are valid."""
    bodies, is_valid = cipher.open(
        tokens[:, _TAG:_CIPHERTEXT].tobytes(),
        tokens[:, _CIPHERTEXT:].tobytes(),
        tokens[:, :_TAG].tobytes(),
    )
    opened = np.frombuffer(bodies, _TRACKING_BODIES)
    campaigns = np.ascontiguousarray(tokens[:, _TAG - 8 : _TAG]).view(">u8").ravel()
    groups, purposes = opened["bound_group"] & _GROUP_MASK, opened["bound_group"] >> _PURPOSE_SHIFT
    columns = (campaigns, opened["contact"], groups, opened["slot"], purposes)
    contents = np.column_stack([column.astype(np.int64) for column in columns])
    contents[~np.array(is_valid, np.bool_)] = 0
    return contents, is_valid


def _distinct_keys(tokens: npt.NDArray[np.uint8]) -> tuple[Numbers, Numbers]:
    """Find the distinct key names of tokens; return what `distinct` does."""
    names = np.zeros((len(tokens), np.dtype(np.int64).itemsize), np.uint8)
    names[:, :_KEY] = tokens[:, :_KEY]
    numbers = names.view(np.int64).ravel()
    return distinct(numbers) if len(tokens) else (numbers, numbers)


def token_invalid() -> HushpostError:
    """Return the error for a token that does not open."""
    return HushpostError(Reason.TOKEN_INVALID, "the token is invalid")
