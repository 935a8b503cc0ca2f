"""Detecting events that a client has already caused."""

from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from hushpost_client import Verdict
from hushpost_edge.appender import Appender
from hushpost_edge.behaviour_memory import burst_detector, repeat_detector
from hushpost_edge.classifier import Classifier
from hushpost_edge.event_ranges import EventRanges
from hushpost_edge.event_recording import EventRecorder
from hushpost_edge.shared_memory import SharedMemory
from hushpost_edge.spool import Spool
from hushpost_edge.spool_cipher import SpoolCipher, SpoolKey
from hushpost_runtime.address_ranges import AddressRanges

from .behaviour import Clock
from .raw_http import CHROME

CAMPAIGN, OTHER_CAMPAIGN = bytes(8), b"\1" * 8
TOKEN = bytes(42)
ADDRESS, OTHER_ADDRESS = "192.0.2.1", "192.0.2.2"
AGENT = CHROME.encode()
GOOGLE = (
    b"Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
)
APPLE = b"Mozilla/5.0"
BOT = b"Mozilla/5.0 (compatible; bingbot/2.0)"
LANGUAGE = (b"accept-language", b"en")
HOUR = 3600.0


def test_the_same_event_is_repeated_within_the_window(memory: SharedMemory) -> None:
    """A client causes at most one event per window that is not repeated."""
    clock = Clock()
    repeats = repeat_detector(memory, HOUR, clock)
    found = []
    for _ in range(12):  # every 20 minutes
        found.append(repeats.observe(CAMPAIGN, 1, ADDRESS, AGENT))
        clock.now += 1200
    assert found == [False, True, True] * 4


@pytest.mark.parametrize(
    "other",
    [
        (OTHER_CAMPAIGN, 1, ADDRESS, AGENT),
        (CAMPAIGN, 2, ADDRESS, AGENT),
        (CAMPAIGN, 0, ADDRESS, AGENT),
        (CAMPAIGN, 1, OTHER_ADDRESS, AGENT),
        (CAMPAIGN, 1, ADDRESS, AGENT + b"x"),
        (CAMPAIGN, 1, ADDRESS + "\0", AGENT[1:]),
    ],
)
def test_other_events_are_not_repeated(
    memory: SharedMemory, other: tuple[bytes, int, str, bytes]
) -> None:
    """Another campaign, link, address or user agent makes another event."""
    repeats = repeat_detector(memory, HOUR, Clock())
    assert not repeats.observe(CAMPAIGN, 1, ADDRESS, AGENT)
    assert not repeats.observe(*other)
    assert repeats.observe(CAMPAIGN, 1, ADDRESS, AGENT)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1", True),
        ("not:an:address", "not:an:address", True),
        ("", "x", False),
    ],
)
def test_a_device_changes_its_ipv6_address(
    memory: SharedMemory, one: str, other: str, *, is_same: bool
) -> None:
    """IPv6 clients are told apart by their /64, because devices change the rest."""
    repeats = repeat_detector(memory, HOUR, Clock())
    repeats.observe(CAMPAIGN, 1, one, AGENT)
    assert repeats.observe(CAMPAIGN, 1, other, AGENT) is is_same


def test_a_window_of_zero_detects_nothing(memory: SharedMemory) -> None:
    """With a window of 0 every event counts, and nothing is remembered."""
    repeats = repeat_detector(memory, 0, Clock())
    assert not any(repeats.observe(CAMPAIGN, 1, ADDRESS, AGENT) for _ in range(10))


def test_workers_share_repeats(memory: SharedMemory) -> None:
    """A client counts once, whichever worker its connections reach."""
    clock = Clock()
    workers = [repeat_detector(memory, HOUR, clock) for _ in range(4)]
    found = [worker.observe(CAMPAIGN, 1, ADDRESS, AGENT) for worker in workers]
    assert found == [False, True, True, True]


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    """An empty spool."""
    spool = Spool(tmp_path / "spool.sqlite", lambda: 0, SpoolCipher(SpoolKey.generate()))
    yield spool
    spool.close()


async def test_tokens_of_one_campaign_are_bounded_together(
    memory: SharedMemory, spool: Spool
) -> None:
    """A mail with the tokens of many groups adds one open, not one for each group."""
    appender = Appender(lambda: nullcontext(spool), 1 << 30)
    classifier = Classifier(
        proxies=EventRanges(), prefetchers=EventRanges(), scanners=EventRanges()
    )
    recorder = EventRecorder(
        appender,
        classifier,
        burst_detector(memory, 1, Clock()),
        repeat_detector(memory, HOUR, Clock()),
        AddressRanges(),
        lambda: 0,
    )
    for campaign in (1, 2):
        for group in range(3):
            token = b"\1\1" + campaign.to_bytes(8) + bytes([group]) * 32
            await recorder.record(
                token, 0, {"headers": [(b"user-agent", AGENT)], "client": (ADDRESS, 1)}
            )
    await appender.close()
    spool._clock = lambda: 10_000_000  # the events are due
    batch = spool.batch()
    assert batch is not None
    assert [event.repeated for event in batch.events] == [False, True, True] * 2


async def test_only_clients_of_few_people_repeat_events(memory: SharedMemory, spool: Spool) -> None:
    """Image proxies, prefetchers and scanners serve many people, so none of theirs is repeated."""
    appender = Appender(lambda: nullcontext(spool), 1 << 30)
    classifier = Classifier(
        proxies=EventRanges(), prefetchers=EventRanges(), scanners=EventRanges()
    )
    recorder = EventRecorder(
        appender,
        classifier,
        burst_detector(memory, 1, Clock()),
        repeat_detector(memory, HOUR, Clock()),
        AddressRanges(),
        lambda: 0,
    )
    agents = (AGENT, b"SomeProgram/1.0", GOOGLE, APPLE, BOT)
    for agent in agents:
        for _ in range(2):
            await recorder.record(
                TOKEN, 0, {"headers": [(b"user-agent", agent), LANGUAGE], "client": (ADDRESS, 1)}
            )
    await appender.close()
    spool._clock = lambda: 10_000_000  # the events are due
    batch = spool.batch()
    assert batch is not None
    assert [(event.verdict, event.repeated) for event in batch.events] == [
        (Verdict.HUMAN, False),
        (Verdict.HUMAN, True),
        (Verdict.UNKNOWN, False),
        (Verdict.UNKNOWN, True),
        *[(Verdict.PROXY, False)] * 2,
        *[(Verdict.PREFETCH, False)] * 2,
        *[(Verdict.SCANNER, False)] * 2,
    ]
