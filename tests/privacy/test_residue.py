"""Residual data: no file on disk reveals that a contact acted anonymously."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest

from .attack import FULL, Attack, Score
from .conftest import Report
from .search import Found, Source, dump, files, log, search, statistics
from .traces import Canaries
from .village import Village, a_village

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
async def village(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Village]:
    """A running scenario with recorded events; each test leaves it running."""
    async with a_village(tmp_path_factory.mktemp("village"), CANARIES) as village:
        yield village


def _score(found: Found, *kinds: Canaries) -> Score:
    """Score how many contacts appear in data about events."""
    tried = sum(canaries.count for canaries in kinds)
    hits = sum(sum(_outside_preferences(found, canaries).values()) for canaries in kinds)
    return Score(tried, min(hits, tried))


def _all_files(village: Village) -> Iterator[Source]:
    """Yield all files of the authority and the edge, including the WAL."""
    yield from files(village.town.process.folder.parent, village.names)
    yield from log(village.town.postgres, village.names)


def _assert_not_found(found: Found, village: Village, what: str, report: Report) -> None:
    """Report the result, and assert that no anonymous contact was found."""
    anonymous = (village.hidden, village.in_flight)
    report(Attack(what, _score(found, *anonymous), _score(found, village.known)))
    assert _score(found, village.known).share == 1
    for canaries in anonymous:
        assert _outside_preferences(found, canaries) == {}


async def test_dump_and_statistics_contain_only_preferences(
    village: Village, report: Report
) -> None:
    """A dump and the planner's statistics contain only preferences of anonymous contacts."""
    sources = [*dump(village.town.process.data_dir), *await statistics(village.town.database)]
    _assert_not_found(
        search(sources, village.kinds), village, "residue: dump and statistics", report
    )


async def test_no_file_reveals_events_after_a_stop(village: Village, report: Report) -> None:
    """No file of a stopped authority or edge, including the WAL, reveals who acted."""
    village.stop()
    try:
        found = search(_all_files(village), village.kinds)
    finally:
        await village.start()
    _assert_not_found(found, village, "residue: all files, after a stop", report)


async def test_no_file_reveals_events_after_a_crash(village: Village, report: Report) -> None:
    """No file reveals who acted after authority, edge and database are killed under load.

    The edge stores tokens until the authority has acknowledged the events, then deletes them.
    """
    shipped = village.tokens_on_disk()
    await village.record_more()
    village.crash()
    try:
        waiting = village.tokens_on_disk()
        found = search(_all_files(village), village.kinds)
    finally:
        await village.start()
    tokens = Score(CANARIES, shipped), Score(50, min(waiting, 50))
    report(Attack("residue: tokens, once shipped", *tokens))
    _assert_not_found(found, village, "residue: all files, after a crash", report)
    assert waiting
    assert shipped == 0


async def test_scrub_removes_anonymized_events_from_disk(village: Village, report: Report) -> None:
    """After a scrub, no file reveals events from before a contact's opt-out."""
    village.stop()
    before = search(_all_files(village), [village.anonymized])
    await village.start()
    try:
        village.town.scrub()
        await village.learn_names()
    finally:
        village.stop()
    after = search(_all_files(village), [village.anonymized])
    await village.start()
    was, left = _score(before, village.anonymized), _score(after, village.anonymized)
    report(Attack("residue: anonymized, after a scrub", left, was))
    assert was.share == 1
    assert _outside_preferences(after, village.anonymized) == {}
