"""The authority opens the keys of spools that were sealed to a key of its keyring."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_runtime.key_sealing import KEY_BYTES, seal_key
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.tokens.keyring import Keyring
from hushpost_service.tokens.spool_keys import SpoolKeys

KEY = bytes(range(KEY_BYTES))
KEYRING = Keyring.generate()
KEYS = SpoolKeys(KEYRING)
SEALED = seal_key(KEY, (7, 5), KEYS.key_id, KEYS.public_key)


def refusal(keys: SpoolKeys, sealed: bytes) -> Reason:
    """Return why a sealed key is not opened."""
    with pytest.raises(HushpostError) as caught:
        keys.open(sealed)
    return caught.value.reason


def test_a_sealed_key_opens_with_its_tenants() -> None:
    """It hides the key, and every sealing looks different."""
    assert KEYS.open(SEALED) == (KEY, frozenset({5, 7}))
    assert KEYS.open(seal_key(KEY, (), KEYS.key_id, KEYS.public_key)) == (KEY, frozenset())
    assert KEY not in SEALED
    assert seal_key(KEY, (7, 5), KEYS.key_id, KEYS.public_key) != SEALED


def test_the_key_survives_a_rotation_of_the_keyring() -> None:
    """A key that was sealed before opens afterwards; new ones are sealed to the new key."""
    rotated = KEYRING.with_new_key().activated(2)
    assert SpoolKeys(rotated).key_id == 2
    assert SpoolKeys(rotated).public_key != KEYS.public_key
    assert SpoolKeys(rotated).open(SEALED).key == KEY
    new = seal_key(KEY, (), 2, SpoolKeys(rotated).public_key)
    assert SpoolKeys(rotated).open(new).key == KEY
    assert refusal(KEYS, new) is Reason.TOKEN_KEY_UNKNOWN


def test_another_keyring_opens_nothing() -> None:
    """Its key of the same id is another one."""
    assert refusal(SpoolKeys(Keyring.generate()), SEALED) is Reason.FIELD_INVALID


@given(st.integers(0, 8 * len(SEALED) - 1))
def test_a_damaged_key_is_refused(bit: int) -> None:
    """Any flipped bit is noticed, also in the header."""
    damaged = bytearray(SEALED)
    damaged[bit // 8] ^= 1 << bit % 8
    assert refusal(KEYS, bytes(damaged)) in (Reason.FIELD_INVALID, Reason.TOKEN_KEY_UNKNOWN)


@given(st.binary(max_size=120))
def test_no_bytes_cause_another_error(sealed: bytes) -> None:
    """What is not a sealed key is refused."""
    assert refusal(KEYS, sealed) in (Reason.FIELD_INVALID, Reason.TOKEN_KEY_UNKNOWN)
    assert refusal(KEYS, SEALED[: len(sealed)]) is Reason.FIELD_INVALID


def test_content_of_a_wrong_length_is_refused() -> None:
    """A sealed key must hold 32 bytes, and whole tenants."""
    for content in (b"", KEY[:-1], KEY + b"abc"):
        sealed = seal_key(content, (), KEYS.key_id, KEYS.public_key)
        assert refusal(KEYS, sealed) is Reason.FIELD_INVALID
