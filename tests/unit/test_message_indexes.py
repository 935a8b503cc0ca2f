"""Messages get one slot per token that needs one, and no two tokens share a slot."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.campaigns.message_indexes import NO_INDEX, indexes_from
from hushpost_service.campaigns.message_modes import LAST_OPEN, ModeNumbers
from hushpost_service.domain.consent import ByPurpose
from hushpost_service.domain.modes import Mode

FIRST = 17

messages = st.lists(
    st.tuples(st.sampled_from([*Mode, LAST_OPEN]), st.sampled_from(Mode)), min_size=1
)


def _columns(modes: Sequence[tuple[int, int]]) -> ByPurpose[ModeNumbers]:
    opens, clicks = zip(*modes, strict=True)
    return ByPurpose(np.array(opens, np.uint8), np.array(clicks, np.uint8))


def _indexes(modes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    opens, clicks = indexes_from(FIRST, _columns(modes))
    return list(zip(opens.tolist(), clicks.tolist(), strict=True))


@pytest.mark.parametrize(
    ("modes", "indexes"),
    [
        ((Mode.IDENTIFIED, Mode.IDENTIFIED), (FIRST, FIRST)),
        ((Mode.ANONYMOUS, Mode.ANONYMOUS), (FIRST, FIRST)),
        ((Mode.IDENTIFIED, Mode.ANONYMOUS), (FIRST, FIRST + 1)),
        ((Mode.ANONYMOUS, Mode.IDENTIFIED), (FIRST, FIRST + 1)),
        ((Mode.AGGREGATE, Mode.IDENTIFIED), (NO_INDEX, FIRST)),
        ((Mode.ANONYMOUS, Mode.OFF), (FIRST, NO_INDEX)),
        ((LAST_OPEN, Mode.ANONYMOUS), (NO_INDEX, FIRST)),
        ((Mode.AGGREGATE, Mode.AGGREGATE), (NO_INDEX, NO_INDEX)),
        ((Mode.AGGREGATE, Mode.OFF), (NO_INDEX, NO_INDEX)),
    ],
)
def test_a_message_has_a_slot_per_token(modes: tuple[int, int], indexes: tuple[int, int]) -> None:
    """One slot for a token of both purposes; two if opens and clicks need one each."""
    assert _indexes([modes]) == [indexes]


@given(messages)
def test_no_two_tokens_share_an_index(modes: list[tuple[int, int]]) -> None:
    """Indexes are consecutive from the first one, without gaps, in any mixture of messages."""
    used: list[int] = []
    for message, (opens, clicks) in zip(modes, _indexes(modes), strict=True):
        of_message = [opens] if message[0] == message[1] else [opens, clicks]
        used += [index for index in of_message if index != NO_INDEX]
    assert used == list(range(FIRST, FIRST + len(used)))


@given(messages)
def test_only_identified_and_anonymous_tokens_have_a_slot(modes: list[tuple[int, int]]) -> None:
    """A purpose has a slot exactly if events of it are recognized as those of one message."""
    for message, indexes in zip(modes, _indexes(modes), strict=True):
        for mode, index in zip(message, indexes, strict=True):
            assert (index != NO_INDEX) == (mode in (Mode.IDENTIFIED, Mode.ANONYMOUS))
