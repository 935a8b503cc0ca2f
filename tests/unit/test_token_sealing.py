"""The tokens of messages: what each contains, and how many a message has."""

from itertools import product

import numpy as np

from hushpost_service.campaigns.message_indexes import indexes_from
from hushpost_service.campaigns.message_modes import LAST_OPEN
from hushpost_service.campaigns.token_sealing import TokenSealer
from hushpost_service.domain.consent import ByPurpose, Purpose
from hushpost_service.domain.modes import Mode
from hushpost_service.tokens.codec import (
    BOTH_PURPOSES,
    NO_CONTACT,
    NO_SLOT,
    TokenCodec,
    TrackingToken,
    campaign_number,
)
from hushpost_service.tokens.keyring import Keyring

CODEC = TokenCodec(Keyring.generate())
CAMPAIGN, GROUP = campaign_number(7, 99), 3
KINDS: list[tuple[int, int]] = list(product([*Mode, LAST_OPEN], Mode))
"""Each combination of opens and clicks."""


def _sealed(kinds: list[tuple[int, int]]) -> list[tuple[str, str | None]]:
    """Return the token of each message, and the one for clicks if it is another."""
    opens, clicks = zip(*kinds, strict=True)
    modes = ByPurpose(np.array(opens, np.uint8), np.array(clicks, np.uint8))
    sealer = TokenSealer(CODEC, bytes(32), CAMPAIGN, GROUP, 4096)
    contacts = np.arange(1000, 1000 + len(kinds))
    tokens, click_tokens = sealer.seal(contacts, modes, indexes_from(0, modes))
    assert len(tokens) == len(kinds)
    return [(token, click_tokens.get(position)) for position, token in enumerate(tokens)]


def _expected(mode: int, contact: int, slot: int, purpose: int) -> TrackingToken | None:
    """Return the content of a token, or None if there is none."""
    if mode == Mode.OFF:
        return None
    return TrackingToken(
        CAMPAIGN,
        contact if mode in (Mode.IDENTIFIED, LAST_OPEN) else NO_CONTACT,
        GROUP,
        slot if mode in (Mode.IDENTIFIED, Mode.ANONYMOUS) else NO_SLOT,
        purpose,
    )


def _opened(token: str) -> TrackingToken | None:
    return CODEC.open(token) if token else None


def test_tokens_contain_what_their_mode_allows() -> None:
    """Each combination, alone among the others: contact, slot and purpose."""
    for contact, ((opens, clicks), (token, click_token)) in enumerate(
        zip(KINDS, _sealed(KINDS), strict=True), 1000
    ):
        opened = _opened(token)
        slot = opened.slot if opened else NO_SLOT
        if click_token is None:
            assert opens == clicks
            assert opened == _expected(opens, contact, slot, BOTH_PURPOSES)
            continue
        assert opens != clicks
        assert opened == _expected(opens, contact, slot, Purpose.OPENS)
        opened_click = _opened(click_token)
        click_slot = opened_click.slot if opened_click else NO_SLOT
        assert opened_click == _expected(clicks, contact, click_slot, Purpose.CLICKS)


def test_no_two_tokens_have_the_same_slot() -> None:
    """Neither those of two messages nor the two of a message."""
    sealed = _sealed(KINDS * 40)
    opened = [CODEC.open(token) for message in sealed for token in message if token]
    slots = [token.slot for token in opened if token.slot != NO_SLOT]
    assert len(slots) == len(set(slots)) > 40 * len(KINDS) / 2


def test_aggregate_tokens_are_equal_in_a_group() -> None:
    """Those for both purposes, and those for each purpose."""
    sealed = _sealed(KINDS * 2)
    tokens: dict[tuple[int, int], set[tuple[str, str | None]]] = {}
    for kind, message in zip(KINDS * 2, sealed, strict=True):
        tokens.setdefault(kind, set()).add(message)
    equal = [(Mode.AGGREGATE, Mode.AGGREGATE), (Mode.AGGREGATE, Mode.OFF), (Mode.OFF, Mode.OFF)]
    assert all(len(tokens[kind]) == 1 for kind in equal)
    of_opens = {token for token, other in tokens[Mode.AGGREGATE, Mode.IDENTIFIED]}
    assert of_opens == {token for token, other in tokens[Mode.AGGREGATE, Mode.ANONYMOUS]}
    assert len(of_opens) == 1
