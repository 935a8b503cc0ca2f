"""Traces of events are sampled by how many events they are about."""

from random import Random

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision

from hushpost_runtime.event_sampler import EVENTS, EventSampler
from hushpost_runtime.traces import Traces
from tests.trace_collector import collecting

PLAYS = 100_000


def traced_share(events: int | None, seed: int = 1) -> float:
    """Return the share of random traces about so many events that are traced."""
    sampler, ids = EventSampler(ALWAYS_ON), Random(seed)  # noqa: S311 - repeatable
    attributes = {} if events is None else {EVENTS: events}
    results = [
        sampler.should_sample(None, ids.getrandbits(128), "x", attributes=attributes)
        for _ in range(PLAYS)
    ]
    return sum(result.decision is Decision.RECORD_AND_SAMPLE for result in results) / PLAYS


@pytest.mark.parametrize(
    ("events", "expected"),
    [(0, 0), (1, 1 / 256), (2, 2 / 256), (256, 0.633), (5_000, 1), (None, 1)],
)
def test_each_event_counts_one_in_256_times(events: int | None, expected: float) -> None:
    """A call about n events is traced with a probability of 1 - (255/256)^n."""
    assert traced_share(events) == pytest.approx(expected, abs=0.001, rel=0.02)


def test_two_processes_agree() -> None:
    """Samplers decide alike about a trace and a number of events."""
    ids = Random(2)  # noqa: S311 - repeatable
    for _ in range(1_000):
        trace_id, events = ids.getrandbits(128), ids.randrange(1_000)
        first, second = (
            EventSampler(ALWAYS_ON).should_sample(
                None, trace_id ^ bits, "x", attributes={EVENTS: events}
            )
            # The bits on the left of an id need not be random.
            for bits in (0, 0xFF << 120)
        )
        assert first.decision is second.decision


def test_the_number_of_events_is_not_exported() -> None:
    """The exact number serves the decision only."""
    result = EventSampler(ALWAYS_ON).should_sample(None, 0, "x", attributes={EVENTS: 9, "a": 1})
    assert result.attributes == {"a": 1}


def test_the_sampler_of_the_operator_applies_too() -> None:
    """What OTEL_TRACES_SAMPLER turns off stays off."""
    result = EventSampler(ALWAYS_OFF).should_sample(None, 0, "x", attributes={EVENTS: 9})
    assert result.decision is Decision.DROP


@pytest.mark.parametrize(("sampler", "spans"), [("always_on", 1), ("always_off", 0)])
def test_the_environment_names_the_sampler_of_the_operator(
    monkeypatch: pytest.MonkeyPatch, sampler: str, spans: int
) -> None:
    """OTEL_TRACES_SAMPLER decides about calls that are about no event."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    with collecting() as collector:
        for name, value in collector.environment.items():
            monkeypatch.setenv(name, value)
        traces = Traces.exporting("test")
        with traces.call("SetPreference", ()):
            pass
        traces.close()
        assert len(collector.spans()) == spans
