"""Residual data: no file on disk reveals that a contact acted anonymously."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest

from .attack import FULL, Attack, Score
from .canaries import Canaries
from .canary_scenario import CanaryScenario, start_canary_scenario
from .canary_search import Found, Source, dump, files, log, search, statistics
from .conftest import Report

CANARIES = 2500 if FULL else 120

_OF_PREFERENCES = (
    "contacts",
    "preference_changes",
    "anonymization_jobs",
    "pg_statistic",
    "pg_toast_2619",
)
"""Prefixes of relations that may contain contacts regardless of their events.

`pg_statistic` covers all columns; the SQL view of the statistics distinguishes them.
"""

_PREFIX = re.compile("^(log|dump|statistics) of ")


def _outside_preferences(found: Found, canaries: Canaries) -> dict[str, int]:
    """Return places outside of the preference tables that contain canaries, with counts."""
    places: dict[str, int] = {}
    for (kind, what, name), at in found.items():
        if kind == canaries.kind and not _is_in_preferences(name):
            places[f"{what} in {name}"] = len(at)
    return places


def _is_in_preferences(name: str) -> bool:
    return all(part.startswith(_OF_PREFERENCES) for part in _PREFIX.sub("", name).split(", "))


@pytest.fixture(scope="module")
async def canary_scenario(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[CanaryScenario]:
    """A running scenario with recorded events; each test leaves it running."""
    async with start_canary_scenario(
        tmp_path_factory.mktemp("canary_scenario"), CANARIES
    ) as canary_scenario:
        yield canary_scenario


def _score(found: Found, *kinds: Canaries) -> Score:
    """Score how many contacts appear in data about events."""
    tried = sum(canaries.count for canaries in kinds)
    hits = sum(sum(_outside_preferences(found, canaries).values()) for canaries in kinds)
    return Score(tried, min(hits, tried))


def _all_files(canary_scenario: CanaryScenario) -> Iterator[Source]:
    """Yield all files of the authority and the edge, including the WAL."""
    yield from files(canary_scenario.scenario.process.folder.parent, canary_scenario.names)
    yield from log(canary_scenario.scenario.postgres, canary_scenario.names)


def _assert_not_found(
    found: Found, canary_scenario: CanaryScenario, what: str, report: Report
) -> None:
    """Report the result, and assert that no anonymous contact was found."""
    anonymous = (canary_scenario.hidden, canary_scenario.in_flight)
    report(Attack(what, _score(found, *anonymous), _score(found, canary_scenario.known)))
    assert _score(found, canary_scenario.known).share == 1
    for canaries in anonymous:
        assert _outside_preferences(found, canaries) == {}


async def test_dump_and_statistics_contain_only_preferences(
    canary_scenario: CanaryScenario, report: Report
) -> None:
    """A dump and the planner's statistics contain only preferences of anonymous contacts."""
    sources = [
        *dump(canary_scenario.scenario.process.data_dir),
        *await statistics(canary_scenario.scenario.database),
    ]
    _assert_not_found(
        search(sources, canary_scenario.kinds),
        canary_scenario,
        "residue: dump and statistics",
        report,
    )


async def test_no_file_reveals_events_after_a_stop(
    canary_scenario: CanaryScenario, report: Report
) -> None:
    """No file of a stopped authority or edge, including the WAL, reveals who acted."""
    canary_scenario.stop()
    try:
        found = search(_all_files(canary_scenario), canary_scenario.kinds)
    finally:
        await canary_scenario.start()
    _assert_not_found(found, canary_scenario, "residue: all files, after a stop", report)


async def test_no_file_reveals_events_after_a_crash(
    canary_scenario: CanaryScenario, report: Report
) -> None:
    """No file reveals who acted after authority, edge and database are killed under load.

    The edge encrypts events until the authority has acknowledged them, then deletes them.
    """
    shipped = canary_scenario.tokens_on_disk()
    await canary_scenario.record_more()
    canary_scenario.crash()
    try:
        waiting = canary_scenario.edge.waiting_events()
        tokens = canary_scenario.tokens_on_disk()
        found = search(_all_files(canary_scenario), canary_scenario.kinds)
    finally:
        await canary_scenario.start()
    scores = Score(CANARIES, shipped + tokens), Score(50, min(waiting, 50))
    report(Attack("residue: tokens, waiting and shipped", *scores))
    _assert_not_found(found, canary_scenario, "residue: all files, after a crash", report)
    assert waiting
    assert (shipped, tokens) == (0, 0)


async def test_scrub_removes_anonymized_events_from_disk(
    canary_scenario: CanaryScenario, report: Report
) -> None:
    """After a scrub, no file reveals events from before a contact's opt-out."""
    canary_scenario.stop()
    before = search(_all_files(canary_scenario), [canary_scenario.anonymized])
    await canary_scenario.start()
    try:
        canary_scenario.scenario.scrub()
        await canary_scenario.learn_names()
    finally:
        canary_scenario.stop()
    after = search(_all_files(canary_scenario), [canary_scenario.anonymized])
    await canary_scenario.start()
    was, left = (
        _score(before, canary_scenario.anonymized),
        _score(after, canary_scenario.anonymized),
    )
    report(Attack("residue: anonymized, after a scrub", left, was))
    assert was.share == 1
    assert _outside_preferences(after, canary_scenario.anonymized) == {}
