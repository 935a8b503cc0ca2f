"""The batch AES-SIV, compared with RFC 5297, written here section by section."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given, settings
from hypothesis import strategies as st

from hushpost_service.tokens.aes_siv import BLOCK, BlockSiv
from tests.faults.extent import FULL

LONG = settings(max_examples=3_000 if FULL else 100, deadline=None)

keys = st.sampled_from((32, 48, 64)).flatmap(lambda size: st.binary(min_size=size, max_size=size))


def cmac(key: bytes, text: bytes) -> int:
    """Return AES-CMAC of a text (RFC 4493)."""
    code = CMAC(algorithms.AES(key))
    code.update(text)
    return int.from_bytes(code.finalize())


def doubled(block: int) -> int:
    """Return a block multiplied by x in GF(2^128): section 2.3."""
    return (block << 1 & (1 << 128) - 1) ^ (0x87 if block >> 127 else 0)


def s2v(key: bytes, strings: list[bytes]) -> bytes:
    """Return the synthetic IV of strings, of which the last is the plaintext: section 2.4."""
    total = cmac(key, bytes(BLOCK))
    for string in strings[:-1]:
        total = doubled(total) ^ cmac(key, string)
    last = strings[-1]
    if len(last) >= BLOCK:
        start, end = last[:-BLOCK], int.from_bytes(last[-BLOCK:])
        mixed = start + (end ^ total).to_bytes(BLOCK)
    else:
        padded = (last + b"\x80").ljust(BLOCK, b"\0")
        mixed = (doubled(total) ^ int.from_bytes(padded)).to_bytes(BLOCK)
    return cmac(key, mixed).to_bytes(BLOCK)


def siv_encrypt(key: bytes, associated: bytes, plaintext: bytes) -> bytes:
    """Return the IV and the ciphertext: section 2.6."""
    half = len(key) // 2
    iv = s2v(key[:half], [associated, plaintext])
    counter = int.from_bytes(iv) & ~(1 << 63) & ~(1 << 31)
    cipher = Cipher(algorithms.AES(key[half:]), modes.CTR(counter.to_bytes(BLOCK))).encryptor()
    return iv + cipher.update(plaintext) + cipher.finalize()


def test_the_reference_agrees_with_the_example_of_the_rfc() -> None:
    """Appendix A.1: deterministic authenticated encryption."""
    key = bytes.fromhex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    associated = bytes.fromhex("101112131415161718191a1b1c1d1e1f2021222324252627")
    plaintext = bytes.fromhex("112233445566778899aabbccddee")
    expected = bytes.fromhex("85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c")
    assert siv_encrypt(key, associated, plaintext) == expected
    assert AESSIV(key).encrypt(plaintext, [associated]) == expected


@LONG
@given(
    keys,
    st.binary(min_size=1, max_size=BLOCK - 1),
    st.integers(1, BLOCK),
    st.lists(st.binary(min_size=BLOCK, max_size=BLOCK), min_size=1, max_size=6),
)
def test_batches_and_library_agree_with_the_rfc(
    key: bytes, associated: bytes, size: int, whole: list[bytes]
) -> None:
    """Batch, library and reference seal the same, and what the reference seals opens."""
    texts = [text[:size] for text in whole]
    expected = [siv_encrypt(key, associated, text) for text in texts]
    assert BlockSiv(key, size).seal(b"".join(texts), associated) == expected
    assert [AESSIV(key).encrypt(text, [associated]) for text in texts] == expected


@LONG
@given(
    keys,
    st.binary(min_size=1, max_size=BLOCK - 1),
    st.lists(st.binary(min_size=BLOCK, max_size=BLOCK), min_size=1, max_size=6),
    st.lists(st.binary(min_size=BLOCK, max_size=BLOCK), min_size=1, max_size=6),
)
def test_only_what_the_rfc_seals_opens(
    key: bytes, associated: bytes, texts: list[bytes], forged: list[bytes]
) -> None:
    """Sealed blocks open to their texts; random blocks among them do not open."""
    sealed = [siv_encrypt(key, associated, text) for text in texts]
    mixed = sealed + [tag + sealed[0][BLOCK:] for tag in forged]
    opened, found = BlockSiv(key).open(
        b"".join(one[:BLOCK] for one in mixed),
        b"".join(one[BLOCK:] for one in mixed),
        associated * len(mixed),
    )
    assert found == [True] * len(texts) + [tag == sealed[0][:BLOCK] for tag in forged]
    assert opened[: BLOCK * len(texts)] == b"".join(texts)
