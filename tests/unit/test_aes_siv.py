"""The batch AES-SIV, compared with the library."""

from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.tokens.aes_siv import BLOCK, BlockSiv

keys = st.sampled_from((32, 48, 64)).flatmap(lambda size: st.binary(min_size=size, max_size=size))
# Including all zeros and all ones, which reveal carry errors and lost leading zeros.
blocks = st.one_of(
    st.binary(min_size=BLOCK, max_size=BLOCK), st.sampled_from((bytes(BLOCK), b"\xff" * BLOCK))
)


@given(
    keys,
    st.binary(min_size=1, max_size=BLOCK - 1),
    st.integers(1, BLOCK),
    st.lists(blocks, max_size=6),
)
def test_a_batch_is_sealed_like_each_text(
    key: bytes, associated: bytes, size: int, whole: list[bytes]
) -> None:
    """The output equals the library's AES-SIV for any key, associated data and texts."""
    texts = [text[:size] for text in whole]
    alone = [AESSIV(key).encrypt(text, [associated]) for text in texts]
    assert BlockSiv(key, size).seal(b"".join(texts), associated) == alone


@given(keys, st.integers(1, BLOCK - 1), st.lists(blocks, max_size=6), st.data())
def test_a_batch_opens_unless_a_bit_was_changed(
    key: bytes, size: int, texts: list[bytes], data: st.DataObject
) -> None:
    """Texts sealed by the library open, each with its own associated data; changes are detected."""
    associated = [data.draw(st.binary(min_size=size, max_size=size)) for _ in texts]
    sealed = [AESSIV(key).encrypt(text, [own]) for text, own in zip(texts, associated, strict=True)]
    belongs = [True] * len(texts)
    for place in data.draw(st.sets(st.integers(0, len(texts) - 1))) if texts else ():
        bit = data.draw(st.integers(0, 2 * BLOCK * 8 - 1))
        changed = int.from_bytes(sealed[place]) ^ 1 << bit
        sealed[place] = changed.to_bytes(2 * BLOCK)
        belongs[place] = False
    tags = b"".join(each[:BLOCK] for each in sealed)
    hidden = b"".join(each[BLOCK:] for each in sealed)
    opened, found = BlockSiv(key).open(tags, hidden, b"".join(associated))
    assert found == belongs
    for place in range(len(texts)):
        if belongs[place]:
            assert opened[place * BLOCK : (place + 1) * BLOCK] == texts[place]
