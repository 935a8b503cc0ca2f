"""Stored results of `IssueTokens` return the modes, and tell contacts from their successors."""

import uuid
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from cryptography.exceptions import InvalidTag

from hushpost_service.campaigns.issue_result import packed_result, unpacked_result
from hushpost_service.campaigns.message_modes import LAST_OPEN, ModeNumbers
from hushpost_service.domain.consent import ByPurpose
from hushpost_service.domain.contact_numbers import ContactNumbers
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
    assert len(packed) < 100 + 2 * count


def test_equal_messages_take_little_space() -> None:
    """A call whose contacts were created together and agree takes a few bytes."""
    packed = packed_result(REQUEST, _contacts(10_000), _anonymous(10_000))
    assert len(packed) < 120


@pytest.mark.parametrize("ranges", [1, 3, 500])
def test_contacts_created_anew_are_noticed(ranges: int) -> None:
    """A process that created the others, or another one, may create them."""
    processes = [ContactNumbers(RANDOM.randrange) for _ in range(ranges)]
    contacts = np.array([RANDOM.choice(processes).take(1) for _ in range(2_000)])
    packed = packed_result(REQUEST, contacts, _anonymous(len(contacts)))
    for process in [*RANDOM.sample(processes, min(ranges, 5)), ContactNumbers(RANDOM.randrange)]:
        erased = RANDOM.sample(range(len(contacts)), 20)
        now = contacts.copy()
        now[erased] = [process.take(1) for _ in erased]
        is_other = unpacked_result(REQUEST, now, packed)[1]
        assert sorted(erased) == np.flatnonzero(is_other).tolist()


def test_a_result_cannot_be_read_without_the_request_id() -> None:
    """Results of the same messages differ with the request id, and do not contain a number."""
    contacts = _contacts(1_000)
    packed = packed_result(REQUEST, contacts, _anonymous(1_000))
    other = uuid.UUID("0b8e3a5e-6f0d-4b44-9f6e-0a6f2d8f7c12")
    assert packed_result(other, contacts, _anonymous(1_000)) != packed
    with pytest.raises(InvalidTag):
        unpacked_result(other, contacts, packed)
    assert int(contacts[-1]).to_bytes(8, "little")[:4] not in packed
