"""From a request to an event in the spool and to the metrics."""

from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from hushpost_client import Verdict
from hushpost_edge import metrics
from hushpost_edge.appender import Appender
from hushpost_edge.behaviour_memory import burst_detector, repeat_detector
from hushpost_edge.classifier import Classifier
from hushpost_edge.event_ranges import EventRanges
from hushpost_edge.event_recording import EventRecorder
from hushpost_edge.shared_memory import SharedMemory
from hushpost_edge.spool import Spool
from hushpost_runtime.address_ranges import AddressRanges

from .behaviour import Clock
from .ciphers import CIPHER
from .raw_http import CHROME

TOKEN = bytes(42)
WORD = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Word 16.0.17328; Pro)"
OFFICE = "Mozilla/4.0 (compatible; ms-office; MSOffice 16)"
LIBRARY = "python-requests/2.32"
DUE = 10_000_000
"""A time, in microseconds, at which events of the time 0 are shipped."""


@dataclass
class Recording:
    """A recorder and its spool."""

    recorder: EventRecorder
    appender: Appender
    spool: Spool

    async def verdicts(self) -> list[Verdict]:
        """Return the verdicts of all events as they are shipped."""
        await self.appender.close()
        self.spool._clock = lambda: DUE
        batch = self.spool.batch()
        assert batch is not None
        return [event.verdict for event in batch.events]


def request(agent: str, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    """Create the scope of a request."""
    sent = [(b"user-agent", agent.encode()), (b"accept-language", b"en"), *headers]
    return {"headers": sent, "client": ("192.0.2.1", 1)}


@pytest.fixture
def shadow() -> bool:
    """Whether rules on trial are only counted."""
    return False


@pytest.fixture
async def recording(
    tmp_path: Path, memory: SharedMemory, clock: Clock, *, shadow: bool
) -> AsyncIterator[Recording]:
    """A recorder with an empty spool, whose metrics count each event."""
    spool = Spool(tmp_path / "1.sqlite", lambda: 0, CIPHER)
    appender = Appender(lambda: nullcontext(spool), 1 << 30)
    ranges = EventRanges()
    recorder = EventRecorder(
        appender,
        Classifier(proxies=ranges, prefetchers=ranges, scanners=ranges, shadow=shadow),
        burst_detector(memory, 1, clock, shadow=shadow),
        repeat_detector(memory, 0, clock),
        AddressRanges(),
        lambda: 0,
    )
    yield Recording(recorder, appender, spool)
    spool.close()


@pytest.fixture
def exact_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics that are not sampled."""
    monkeypatch.setattr(metrics, "sampled", lambda events: events)


def counted(name: str, **labels: str) -> float:
    """Return the value of a metric, whose name is without the prefix and suffix."""
    return REGISTRY.get_sample_value(f"hushpost_edge_{name}_total", labels) or 0.0


@pytest.mark.parametrize(
    ("agent", "verdict"),
    [
        (CHROME, Verdict.SCANNER),
        (LIBRARY, Verdict.SCANNER),
        ("", Verdict.SCANNER),
        (WORD, Verdict.HUMAN),
        (OFFICE, Verdict.HUMAN),
        ("Thunderbird/115.0", Verdict.HUMAN),
    ],
)
async def test_a_click_after_a_head_request(
    recording: Recording, agent: str, verdict: Verdict
) -> None:
    """Is a scanner's, unless a program asked that opens links in the browser of a person."""
    recording.recorder.observe_head(TOKEN, 1, request(agent))
    await recording.recorder.record(TOKEN, 1, request(CHROME))
    assert await recording.verdicts() == [verdict]


async def test_a_head_request_with_a_prefetch_header_says_nothing(recording: Recording) -> None:
    """Browsers make it for a person."""
    prefetch = request(CHROME, (b"sec-purpose", b"prefetch"))
    recording.recorder.observe_head(TOKEN, 1, prefetch)
    await recording.recorder.record(TOKEN, 1, request(CHROME))
    assert await recording.verdicts() == [Verdict.HUMAN]


@pytest.mark.usefixtures("exact_metrics")
async def test_metrics_have_the_rule_of_each_verdict(recording: Recording, clock: Clock) -> None:
    """With the first verdict; corrections are counted apart."""
    names = [
        ("HUMAN", "reader"),
        ("SCANNER", "program"),
        ("UNKNOWN", "unknown_agent"),
        ("SCANNER", "burst"),
        ("PREFETCH", "prefetcher"),
    ]

    def count() -> list[float]:
        by_rule = [counted("events", verdict=verdict, reason=reason) for verdict, reason in names]
        return [*by_rule, counted("corrected_events")]

    before = count()
    for link, agent in ((1, CHROME), (2, LIBRARY), (0, "Something/1.0"), (3, CHROME)):
        await recording.recorder.record(TOKEN, link, request(agent))
    clock.now += 60.0
    await recording.recorder.record(TOKEN, 0, request("Mozilla/5.0"))
    await recording.appender.close()
    assert [after - early for early, after in zip(before, count(), strict=True)] == [
        *[1] * len(names),
        2,
    ]


@pytest.mark.usefixtures("exact_metrics")
@pytest.mark.parametrize("shadow", [True])
async def test_an_event_counts_for_one_rule_on_trial(recording: Recording) -> None:
    """For the one that would decide: a scanner's is not counted as UNKNOWN, too."""
    names = [("UNKNOWN", "no_language"), ("SCANNER", "head")]
    before = [counted("trial_events", verdict=verdict, reason=reason) for verdict, reason in names]
    scope = {"headers": [(b"user-agent", CHROME.encode())], "client": ("192.0.2.1", 1)}
    recording.recorder.observe_head(TOKEN, 1, scope)
    for link in (1, 0):  # the open is a second after the click at most
        await recording.recorder.record(TOKEN, link, scope)
    await recording.recorder.record(bytes([1]) * 42, 5, scope)
    after = [counted("trial_events", verdict=verdict, reason=reason) for verdict, reason in names]
    assert [after[index] - before[index] for index in range(2)] == [1, 2]
    assert await recording.verdicts() == [Verdict.HUMAN] * 3


@pytest.mark.usefixtures("exact_metrics")
@pytest.mark.parametrize(
    ("shadow", "verdict", "trials"), [(True, Verdict.HUMAN, 1), (False, Verdict.SCANNER, 0)]
)
async def test_in_the_shadow_rules_on_trial_are_only_counted(
    recording: Recording, verdict: Verdict, trials: int
) -> None:
    """By what they would have made of an event."""
    before = counted("trial_events", verdict="SCANNER", reason="head")
    recording.recorder.observe_head(TOKEN, 1, request(CHROME))
    await recording.recorder.record(TOKEN, 1, request(CHROME))
    assert counted("trial_events", verdict="SCANNER", reason="head") - before == trials
    assert await recording.verdicts() == [verdict]
