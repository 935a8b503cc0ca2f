"""Stored results of `IssueTokens` return the modes, and tell contacts from their successors."""

import uuid
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest

from hushpost_service.campaigns.issue_result import packed_result, unpacked_result
from hushpost_service.campaigns.message_modes import LAST_OPEN, ModeNumbers
from hushpost_service.domain.consent import ByPurpose
from hushpost_service.domain.events import Numbers
from hushpost_service.domain.modes import Mode

REQUEST = uuid.UUID("0b8e3a5e-6f0d-4b44-9f6e-0a6f2d8f7c11")
RANDOM = Random(12)  # noqa: S311 - to be repeatable


def _contacts(count: int) -> Numbers:
    start = RANDOM.getrandbits(62)
    return np.arange(start, start + count)


def _modes(of_opens: Sequence[int], of_clicks: Sequence[int]) -> ByPurpose[ModeNumbers]:
    return ByPurpose(np.array(of_opens, np.uint8), np.array(of_clicks, np.uint8))


def _anonymous(count: int) -> ByPurpose[ModeNumbers]:
    return _modes([Mode.ANONYMOUS] * count, [Mode.ANONYMOUS] * count)


def _others(request: uuid.UUID, contacts: Numbers, packed: bytes) -> int:
    """Return how many contacts count as others."""
    return int(np.count_nonzero(unpacked_result(request, contacts, packed)[1]))


@pytest.mark.parametrize("count", [1, 2, 10_000])
def test_a_repetition_finds_the_modes_again(count: int) -> None:
    """Those of opens and of clicks; for the same contacts none counts as another one."""
    contacts = _contacts(count)
    modes = _modes(RANDOM.choices([*Mode, LAST_OPEN], k=count), RANDOM.choices([*Mode], k=count))
    packed = packed_result(REQUEST, contacts, modes)
    found, is_other = unpacked_result(REQUEST, contacts, packed)
    assert found.opens.tolist() == modes.opens.tolist()
    assert found.clicks.tolist() == modes.clicks.tolist()
    assert not is_other.any()
    assert len(packed) < 100 + 3 * count


def test_equal_messages_take_little_space() -> None:
    """The modes of a call whose contacts agree take a few bytes."""
    contacts = _contacts(10_000)
    assert len(packed_result(REQUEST, contacts, _anonymous(10_000))) < 100 + 2 * 10_000


def test_other_contacts_are_noticed() -> None:
    """One of 65,536 is missed; here at most two of 20,000."""
    contacts, others = _contacts(20_000), _contacts(20_000)
    packed = packed_result(REQUEST, contacts, _anonymous(len(contacts)))
    changed = np.append(contacts[:-1], others[:1])
    assert unpacked_result(REQUEST, changed, packed)[1].tolist() == [False] * 19_999 + [True]
    assert _others(REQUEST, others, packed) >= 19_998
    # Also numbers close to each other, as those of contacts created together.
    assert _others(REQUEST, contacts + 1, packed) >= 19_998


def test_contacts_cannot_be_recognized_without_the_request_id() -> None:
    """With another request id, all contacts look like others, save by chance."""
    contacts = _contacts(20_000)
    packed = packed_result(REQUEST, contacts, _anonymous(len(contacts)))
    assert _others(uuid.uuid4(), contacts, packed) > 19_000
