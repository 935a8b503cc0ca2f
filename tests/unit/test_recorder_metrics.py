"""Metrics of the recorder's commits and of the modes of events."""

from itertools import repeat

import pytest
from prometheus_client import REGISTRY

from hushpost_runtime.event_sampling import STEP
from hushpost_service.domain.counters import CounterKey
from hushpost_service.domain.modes import Mode
from hushpost_service.tracking.commit_metrics import observe_commit
from hushpost_service.tracking.event_modes_metric import EventModes


@pytest.fixture
def every_event_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each random byte be 0, so that each event and commit is sampled."""
    monkeypatch.setattr("os.urandom", bytes)
    monkeypatch.setattr("hushpost_runtime.event_sampling._RANDOM_BYTES", repeat(0))


@pytest.fixture
def no_event_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each random byte be 1, so that nothing is sampled."""
    monkeypatch.setattr("os.urandom", lambda size: b"\1" * size)
    monkeypatch.setattr("hushpost_runtime.event_sampling._RANDOM_BYTES", repeat(1))


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def _published() -> dict[str, float]:
    modes = ("IDENTIFIED", "ANONYMOUS", "AGGREGATE")
    return {mode: _value("hushpost_events_total", mode=mode) for mode in modes}


def _key(mode: Mode, signal: int = 0) -> CounterKey:
    return (1, 1, signal, False, mode, 0)


@pytest.mark.usefixtures("every_event_sampled")
def test_events_are_published_by_mode_and_late() -> None:
    """The metric changes only when it is published; it then has the events of all commits."""
    modes, before = EventModes(), _published()
    modes.add({_key(Mode.ANONYMOUS): 2, _key(Mode.ANONYMOUS, 1): 1, _key(Mode.IDENTIFIED): 5})
    modes.add({_key(Mode.ANONYMOUS): 1})
    assert _published() == before
    modes.publish()
    modes.publish()
    added = {mode: value - before[mode] for mode, value in _published().items()}
    assert added == {"IDENTIFIED": 5 * STEP, "ANONYMOUS": 4 * STEP, "AGGREGATE": 0}


@pytest.mark.usefixtures("no_event_sampled")
def test_most_events_show_in_no_metric() -> None:
    """Events and fast commits that are not sampled change nothing."""

    def shown() -> list[float]:
        commits = [_value(f"hushpost_commit_{what}_count") for what in ("events", "seconds")]
        return [*commits, _value("hushpost_slow_commits_total"), *_published().values()]

    modes, before = EventModes(), shown()
    modes.add({_key(Mode.ANONYMOUS): 255})
    modes.publish()
    observe_commit(255, 0.99)
    assert shown() == before


@pytest.mark.usefixtures("no_event_sampled")
def test_slow_commits_are_all_counted() -> None:
    """An alert needs no luck."""
    before = _value("hushpost_slow_commits_total")
    observe_commit(1, 1.01)
    assert _value("hushpost_slow_commits_total") == before + 1


@pytest.mark.usefixtures("every_event_sampled")
def test_a_sampled_commit_shows_its_size_and_time() -> None:
    """In two histograms, which have the same commits."""
    names = ("hushpost_commit_events_sum", "hushpost_commit_seconds_sum")
    before = [_value(name) for name in names]
    observe_commit(64, 0.25)
    assert [_value(name) for name in names] == [before[0] + 64, before[1] + 0.25]
