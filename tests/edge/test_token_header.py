"""Parsing the clear-text header of tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_edge.token_header import encode_token, parse_link_number, parse_token
from hushpost_service.tokens.codec import TokenCodec, TrackingToken
from hushpost_service.tokens.keyring import Keyring

# A fixed key: tokens are part of the names of tests, which must be the same in all processes.
CODEC = TokenCodec(Keyring(1, {1: bytes(range(32))}))
TOKEN = CODEC.seal(TrackingToken(7 << 40 | 12345, 1, 2, 3))


@given(
    campaign=st.integers(1, 2**63 - 1),
    contact=st.integers(0, 2**64 - 1),
    slot=st.integers(0, 2**32 - 1),
)
def test_tokens_of_the_authority_are_parsed(campaign: int, contact: int, slot: int) -> None:
    """The campaign number is parsed, and encoding the bytes returns the same text."""
    text = CODEC.seal(TrackingToken(campaign, contact, 1, slot))
    token = parse_token(text)
    assert token is not None
    assert token.campaign == campaign
    assert token.raw is not None
    assert encode_token(token.raw) == text


@given(st.text(max_size=80))
def test_each_token_has_one_spelling(text: str) -> None:
    """A text that is parsed as a token is exactly the encoding of its bytes."""
    token = parse_token(text)
    if token is not None and token.raw is not None:
        assert encode_token(token.raw) == text


@pytest.mark.parametrize(
    "text", [TOKEN[:16], TOKEN[:55], TOKEN + "A", TOKEN[:40] + "%" + TOKEN[41:]]
)
def test_a_damaged_token_still_has_a_campaign(text: str) -> None:
    """A token that is damaged after its header is parsed without its bytes."""
    assert parse_token(text) == (7 << 40 | 12345, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        TOKEN[:15],
        "A" * 56,  # version 0
        "Ag" + TOKEN[2:],  # version 2, a preference token's
        "AQD" + "_" * 53,  # a campaign number that no campaign has
        "+" + TOKEN[1:],
        "/" + TOKEN[1:],
        "=" * 56,
        TOKEN[:10] + "\0" + TOKEN[11:],
        "ÄQ" + TOKEN[2:],
        "A" * 100_000,
    ],
)
def test_invalid_tokens_are_not_parsed(text: str) -> None:
    """A text of the wrong length, alphabet or version is not a token."""
    assert parse_token(text) is None


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("10000", 10_000), ("999999999", 999999999)]
)
def test_link_numbers_are_parsed(text: str, number: int) -> None:
    """A link number is 1…n in ASCII digits."""
    assert parse_link_number(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "01",
        "-1",
        "+1",
        "1.0",
        " 1",
        "1 ",
        "1_0",
        "\uff11",
        "\u00b2",
        "\u0663",
        "9" * 10,
        "9" * 99999,
        "1\n",
    ],
)
def test_invalid_link_numbers_are_not_parsed(text: str) -> None:
    """Signs, spaces, digits of other scripts and huge numbers are not link numbers."""
    assert parse_link_number(text) is None
