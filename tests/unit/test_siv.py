"""Sealing many texts at once."""

from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.siv import BLOCK, sealed_blocks

keys = st.sampled_from((32, 48, 64)).flatmap(lambda size: st.binary(min_size=size, max_size=size))
# Also such as are all zeros or ones, where carries and lost leading zeros would show.
blocks = st.one_of(
    st.binary(min_size=BLOCK, max_size=BLOCK), st.sampled_from((bytes(BLOCK), b"\xff" * BLOCK))
)


@given(keys, st.binary(min_size=1, max_size=40), st.lists(blocks, max_size=6))
def test_texts_sealed_together_are_as_the_library_seals_each(
    key: bytes, associated: bytes, texts: list[bytes]
) -> None:
    """The bytes are those of AES-SIV, whatever the key, the associated data and the texts."""
    alone = [AESSIV(key).encrypt(text, [associated]) for text in texts]
    assert sealed_blocks(key, associated, b"".join(texts)) == alone
