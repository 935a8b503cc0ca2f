"""The token opener, with damaged tokens and with any text."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.tokens.codec import TokenCodec, TrackingToken, campaign_number
from hushpost_service.tokens.keyring import Keyring
from tests.faults.extent import FIRST_SEED, FULL

CODEC = TokenCodec(Keyring.generate())
ALL_TENANTS = range(2**24)
DAMAGED = 50_000 if FULL else 3_000

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
STRANGE = [
    "=",
    "+",
    "/",
    " ",
    "\n",
    "\0",
    "%",
    "é",
    "\ud800",
    "\U0001f600",
    "\N{FULLWIDTH LATIN SMALL LETTER A}",
    "",
]

texts = st.one_of(
    st.text(max_size=120),
    st.text(ALPHABET, min_size=56, max_size=56),
    st.text([*ALPHABET, "=", "+", "/", "é"], min_size=56, max_size=56),
)


def opened(text: str) -> TrackingToken | None:
    """Open a token; None if it is invalid or of an unknown key, which are the only errors."""
    try:
        return CODEC.open(text)
    except HushpostError as error:
        reason = error.reason
    assert reason in (Reason.TOKEN_INVALID, Reason.TOKEN_KEY_UNKNOWN)
    return None


def opened_together(tokens: list[str]) -> list[TrackingToken | None]:
    """Open tokens as a batch."""
    contents, is_valid, _ = CODEC.open_batch(tokens, ALL_TENANTS)
    return [
        TrackingToken(*token) if good else None
        for token, good in zip(contents.tolist(), is_valid.tolist(), strict=True)
    ]


@settings(max_examples=5_000 if FULL else 300, deadline=None)
@given(st.lists(texts, max_size=20))
def test_any_text_is_an_invalid_token(forged: list[str]) -> None:
    """No text opens, alone or in a batch, and only errors about tokens are raised."""
    assert [opened(text) for text in forged] == [None] * len(forged)
    assert opened_together(forged) == [None] * len(forged)


def test_a_damaged_token_is_invalid() -> None:
    """A token with one changed, removed or added character does not open, alone or in a batch."""
    random = Random(FIRST_SEED)  # noqa: S311 - reproducible
    token = TrackingToken(campaign_number(7, 11), contact=2**62 + 5, group=3, slot=99)
    good = CODEC.seal(token)
    damaged = []
    for _ in range(DAMAGED):
        at = random.randrange(len(good) + 1)
        length = random.randrange(2)
        piece = random.choice([*ALPHABET, *STRANGE])
        text = good[:at] + piece + good[at + length :]
        if text != good:
            damaged.append(text)
    assert len(damaged) > DAMAGED // 2
    assert {opened(text) for text in damaged} == {None}
    assert opened_together([good, *damaged, good]) == [token, *[None] * len(damaged), token]
