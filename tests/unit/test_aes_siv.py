"""Sealing and opening many texts at once."""

from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.tokens.aes_siv import BLOCK, BlockSiv

keys = st.sampled_from((32, 48, 64)).flatmap(lambda size: st.binary(min_size=size, max_size=size))
# Also such as are all zeros or ones, where carries and lost leading zeros would show.
blocks = st.one_of(
    st.binary(min_size=BLOCK, max_size=BLOCK), st.sampled_from((bytes(BLOCK), b"\xff" * BLOCK))
)


@given(
    keys, st.binary(min_size=1, max_size=40), st.integers(1, BLOCK), st.lists(blocks, max_size=6)
)
def test_texts_sealed_together_are_as_the_library_seals_each(
    key: bytes, associated: bytes, size: int, whole: list[bytes]
) -> None:
    """The bytes are those of AES-SIV, whatever the key, the associated data and the texts."""
    texts = [text[:size] for text in whole]
    alone = [AESSIV(key).encrypt(text, [associated]) for text in texts]
    assert BlockSiv(key, associated, size).seal(b"".join(texts)) == alone


@given(keys, st.binary(min_size=1, max_size=40), st.lists(blocks, max_size=6), st.data())
def test_what_the_library_sealed_opens_together_unless_a_bit_was_changed(
    key: bytes, associated: bytes, texts: list[bytes], data: st.DataObject
) -> None:
    """Each text comes back, or nothing where tag or hidden text are not those that were sealed."""
    sealed = [AESSIV(key).encrypt(text, [associated]) for text in texts]
    belongs = [True] * len(texts)
    for place in data.draw(st.sets(st.integers(0, len(texts) - 1))) if texts else ():
        bit = data.draw(st.integers(0, 2 * BLOCK * 8 - 1))
        changed = int.from_bytes(sealed[place]) ^ 1 << bit
        sealed[place] = changed.to_bytes(2 * BLOCK)
        belongs[place] = False
    tags = b"".join(each[:BLOCK] for each in sealed)
    hidden = b"".join(each[BLOCK:] for each in sealed)
    opened, found = BlockSiv(key, associated).open(tags, hidden)
    assert found == belongs
    for place in range(len(texts)):
        if belongs[place]:
            assert opened[place * BLOCK : (place + 1) * BLOCK] == texts[place]
