"""Digests of requests, and the requests that are remembered in memory."""

import subprocess
import sys
import uuid
from collections.abc import Callable
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.request_contents import (
    RecentRequests,
    content_digest,
    stored_request_id,
)

names = st.sampled_from(("contact_id", "evidence", "history", "entries"))
values = st.none() | st.booleans() | st.integers(0, 9) | st.text() | st.lists(st.text())
contents = st.dictionaries(names, values)


def _given(content: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in content.items() if value}


def _is_same(one: object, other: object) -> bool:
    """Return whether two values are equal in JSON, where true is not 1."""
    return (one, type(one)) == (other, type(other))


@given(st.uuids(), contents, contents)
def test_digests_are_equal_if_the_contents_are(
    request: UUID, one: dict[str, object], other: dict[str, object]
) -> None:
    """Absent and empty values are equal, in any order; everything else is different."""
    first, second = _given(one), _given(other)
    is_same = first.keys() == second.keys() and all(_is_same(first[n], second[n]) for n in first)
    assert (content_digest(request, one) == content_digest(request, other)) == is_same
    backwards = dict(reversed(one.items()))
    assert content_digest(request, backwards) == content_digest(request, one)


@given(st.uuids(), st.uuids(), contents)
def test_digests_are_keyed_with_the_request_id(
    one: UUID, other: UUID, content: dict[str, object]
) -> None:
    """Equal requests under different ids cannot be recognized as equal."""
    if one != other:
        assert content_digest(one, content) != content_digest(other, content)
        assert stored_request_id(one) != stored_request_id(other)
    assert stored_request_id(one) != one


def _uuid7(milliseconds: int) -> UUID:
    """Return an id of version 7 (RFC 9562): a time, then random bits."""
    random = uuid.uuid4().bytes
    raw = bytearray(milliseconds.to_bytes(6) + random[6:])
    raw[6] = 0x70 | raw[6] & 0x0F
    return UUID(bytes=bytes(raw))


@pytest.mark.parametrize("stored", [stored_request_id, lambda one: one], ids=["", "control"])
def test_stored_ids_have_no_time(stored: Callable[[UUID], UUID]) -> None:
    """Ids of version 7 ascend with time; what is stored of them is in no order."""
    ids = [stored(_uuid7(1_800_000_000_000 + number)) for number in range(2_000)]
    ascents = sum(one < other for one, other in pairwise(ids))
    # Of pairs in random order, half ascend, within ten standard deviations of 13.
    is_random = abs(ascents - 1_000) < 130
    assert is_random is (stored is stored_request_id)


def test_digests_are_the_same_in_another_process() -> None:
    """A digest depends on nothing but the request: neither on the process nor on the keyring."""
    request = uuid.uuid4()
    source = f"""
from uuid import UUID
from hushpost_service.domain.request_contents import content_digest, stored_request_id
request = UUID({str(request)!r})
print(stored_request_id(request), content_digest(request, {{"b": "é", "a": [1, None]}}).hex())
"""
    other = subprocess.run(
        [sys.executable, "-c", source], check=True, capture_output=True, text=True
    ).stdout.split()
    digest = content_digest(request, {"a": [1, None], "b": "é"})
    assert other == [str(stored_request_id(request)), digest.hex()]


def test_recent_requests_reject_other_content() -> None:
    """The same content is accepted any number of times, other content never."""
    recent = RecentRequests(100)
    requests = [(1, 2, uuid.uuid4()) for _ in range(50)]
    for _ in range(2):
        for number, request in enumerate(requests):
            recent.use(request, number)
            with pytest.raises(HushpostError) as caught:
                recent.use(request, -number - 2)
            assert caught.value.reason is Reason.REQUEST_ID_REUSED


@given(st.integers(1, 40), st.lists(st.integers(0, 99)))
def test_a_bounded_cache_keeps_the_newest(size: int, keys: list[int]) -> None:
    """It has at most its maximum of entries, and at least the newest seven eighths of them."""
    cache: BoundedCache[int, int] = BoundedCache(size)
    order: list[int] = []
    for key in keys:
        if key not in cache:
            order.append(key)
        cache[key] = -key
    assert len(cache) <= size
    kept = len(cache)
    assert list(cache) == order[len(order) - kept :]
    assert kept >= min(len(order), size - max(1, size // 8) + 1) if order else not kept
    assert all(cache[key] == -key for key in cache)
