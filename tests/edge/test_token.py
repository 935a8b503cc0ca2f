"""What an edge reads in a token without a key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_edge.token import link_number, parsed, text_of
from hushpost_service.tokens.codec import TokenCodec, TrackingToken
from hushpost_service.tokens.keyring import Keyring

SEALER = TokenCodec(Keyring.generate())
GOOD = SEALER.seal(TrackingToken(7 << 40 | 12345, 1, 2, 3))


@given(
    campaign=st.integers(1, 2**63 - 1),
    contact=st.integers(0, 2**64 - 1),
    slot=st.integers(0, 2**32 - 1),
)
def test_what_the_authority_seals_is_read(campaign: int, contact: int, slot: int) -> None:
    """The campaign of each token is read, and the token's text comes back to the character."""
    text = SEALER.seal(TrackingToken(campaign, contact, 1, slot))
    token = parsed(text)
    assert token is not None
    assert token.campaign == campaign
    assert token.sealed is not None
    assert text_of(token.sealed) == text


@given(st.text(max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    """Whatever is read is a token of one spelling only."""
    token = parsed(text)
    if token is not None and token.sealed is not None:
        assert text_of(token.sealed) == text


@pytest.mark.parametrize("text", [GOOD[:16], GOOD[:55], GOOD + "A", GOOD[:40] + "%" + GOOD[41:]])
def test_a_damaged_rest_leaves_the_campaign(text: str) -> None:
    """Of a token that was cut off or mangled after its clear part, the link can be found."""
    assert parsed(text) == (7 << 40 | 12345, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        GOOD[:15],
        "A" * 56,  # version 0
        "Ag" + GOOD[2:],  # version 2, a preference token's
        "AQD" + "_" * 53,  # a campaign number that no campaign has
        "+" + GOOD[1:],
        "/" + GOOD[1:],
        "=" * 56,
        GOOD[:10] + "\0" + GOOD[11:],
        "ÄQ" + GOOD[2:],
        "A" * 100_000,
    ],
)
def test_nonsense_is_no_token(text: str) -> None:
    """Wrong length, alphabet or version: nothing can be read."""
    assert parsed(text) is None


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("10000", 10_000), ("999999999", 999999999)]
)
def test_link_numbers_are_read(text: str, number: int) -> None:
    """A link number is 1…n in ASCII digits."""
    assert link_number(text) == number


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
def test_other_numbers_are_none(text: str) -> None:
    """Signs, blanks, other scripts' digits and huge numbers are no link numbers."""
    assert link_number(text) is None
