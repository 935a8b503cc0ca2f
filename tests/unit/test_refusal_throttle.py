"""Sources of calls with wrong API keys are slowed down."""

import asyncio
import random
import time

import pytest

from hushpost_service.admin.refusal_throttle import RefusalThrottle, source_of

AT_ONCE = 1.0
"""Seconds within which calls that are not held back are answered on any machine."""


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        ("ipv4:192.0.2.7:5000", "192.0.2.7"),
        ("ipv6:%5B2001:db8:0:1::7%5D:5000", "20010db800000001"),
        ("ipv6:%5B2001:db8:0:1:ffff::%5D:5001", "20010db800000001"),
        ("ipv6:%5B2001:db8:0:2::7%5D:5000", "20010db800000002"),
        ("ipv6:%5B::ffff:192.0.2.7%5D:5000", "192.0.2.7"),
        ("ipv6:%5Bfe80::1%25eth0%5D:5000", "fe80000000000000"),
        ("unix:", "unix"),
        ("unix:/run/hushpost.sock", "unix"),
        ("ipv4:nonsense", "ipv4"),
        ("", ""),
    ],
)
def test_the_source_of_a_call_is_its_address_or_network(peer: str, source: str) -> None:
    """Ports do not matter, nor does the part of an IPv6 address that a host can choose."""
    assert source_of(peer) == source


async def _seconds(throttle: RefusalThrottle, source: str, calls: int) -> float:
    """Refuse calls at the same time; return how long the answers take."""
    start = time.monotonic()
    await asyncio.gather(*(throttle.refuse(source) for _ in range(calls)))
    return time.monotonic() - start


async def test_a_few_wrong_keys_are_answered_at_once() -> None:
    """A source has an allowance of 100 refused calls."""
    throttle = RefusalThrottle(time.monotonic, random.random)
    assert await _seconds(throttle, "a", 100) < AT_ONCE
    assert not throttle.is_slow("a")


async def test_many_wrong_keys_are_answered_slowly_to_their_source_only() -> None:
    """After the allowance, 20 answers per second leave for a source."""
    throttle = RefusalThrottle(time.monotonic, random.random)
    assert 0.2 < await _seconds(throttle, "a", 110) < 5
    assert await _seconds(throttle, "b", 50) < AT_ONCE


async def test_an_allowance_is_regained() -> None:
    """A source that stops is not slow any more after a while."""
    now = 1000.0
    throttle = RefusalThrottle(lambda: now, random.random)
    calls = [asyncio.create_task(throttle.refuse("a")) for _ in range(500)]
    await asyncio.sleep(0)
    assert throttle.is_slow("a")
    now += 5.1  # the longest delay
    assert not throttle.is_slow("a")
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_the_number_of_calls_that_are_held_back_is_bounded() -> None:
    """Beyond 2,000, calls are answered at once, so that they take no memory."""
    throttle = RefusalThrottle(time.monotonic, random.random)
    calls = [asyncio.create_task(throttle.refuse("a")) for _ in range(3000)]
    await asyncio.sleep(0.01)
    # The first few may have been answered by now.
    assert 1900 < sum(not call.done() for call in calls) <= 2000
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(throttle.refuse("a"), AT_ONCE)
