"""Stored results of `IssueTokens` return the modes, and tell contacts from their successors."""

import uuid
from random import Random

import pytest

from hushpost_service.campaigns.issue_result import packed_result, unpacked_result
from hushpost_service.domain.modes import Mode

REQUEST = uuid.UUID("0b8e3a5e-6f0d-4b44-9f6e-0a6f2d8f7c11")
RANDOM = Random(12)  # noqa: S311 - to be repeatable


def _contacts(count: int) -> list[int]:
    start = RANDOM.getrandbits(62)
    return list(range(start, start + count))


@pytest.mark.parametrize("count", [1, 2, 10_000])
def test_a_repetition_finds_the_modes_again(count: int) -> None:
    """For the same contacts none counts as another one."""
    contacts, modes = _contacts(count), RANDOM.choices([*Mode], k=count)
    packed = packed_result(REQUEST, contacts, modes)
    assert unpacked_result(REQUEST, contacts, packed) == (modes, [False] * count)
    assert len(packed) < 100 + 2.5 * count


def test_other_contacts_are_noticed() -> None:
    """One of 65,536 is missed; here at most two of 20,000."""
    contacts, others = _contacts(20_000), _contacts(20_000)
    modes = [Mode.ANONYMOUS] * len(contacts)
    packed = packed_result(REQUEST, contacts, modes)
    changed = [*contacts[:-1], others[0]]
    assert unpacked_result(REQUEST, changed, packed) == (modes, [False] * 19_999 + [True])
    assert sum(unpacked_result(REQUEST, others, packed)[1]) >= 19_998
    # Also numbers close to each other, as those of contacts created together.
    shifted = [contact + 1 for contact in contacts]
    assert sum(unpacked_result(REQUEST, shifted, packed)[1]) >= 19_998


def test_contacts_cannot_be_recognized_without_the_request_id() -> None:
    """With another request id, all contacts look like others, save by chance."""
    contacts = _contacts(20_000)
    packed = packed_result(REQUEST, contacts, [Mode.ANONYMOUS] * len(contacts))
    assert sum(unpacked_result(uuid.uuid4(), contacts, packed)[1]) > 19_000
