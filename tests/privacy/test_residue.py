"""Nothing that lies on a disk says that a contact acted anonymously."""

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
"""What relations in which a contact may stand that is not to be seen acting begin with.

The statistics are told apart by column, where they are asked for by SQL.
"""

_PREFIX = re.compile("^(log|dump|statistics) of ")


def _elsewhere(found: Found, canaries: Canaries) -> dict[str, int]:
    """Return where canaries stand, and how often, beyond what their preferences are."""
    places: dict[str, int] = {}
    for (kind, what, name), at in found.items():
        if kind == canaries.kind and not _is_of_preferences(name):
            places[f"{what} in {name}"] = len(at)
    return places


def _is_of_preferences(name: str) -> bool:
    return all(part.startswith(_OF_PREFERENCES) for part in _PREFIX.sub("", name).split(", "))


@pytest.fixture(scope="module")
async def village(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Village]:
    """A village that has lived, and runs; each test leaves it running."""
    async with a_village(tmp_path_factory.mktemp("village"), CANARIES) as village:
        yield village


def _score(found: Found, *kinds: Canaries) -> Score:
    """Count contacts that a thief finds beside something they did."""
    tried = sum(canaries.count for canaries in kinds)
    hits = sum(sum(_elsewhere(found, canaries).values()) for canaries in kinds)
    return Score(tried, min(hits, tried))


def _lying(village: Village) -> Iterator[Source]:
    """Go through everything that lies in the folders of the authority and the edge."""
    yield from files(village.town.process.folder.parent, village.names)
    yield from log(village.town.postgres, village.names)


def _judge(found: Found, village: Village, what: str, report: Report) -> None:
    """Report and check that those are not found who acted anonymously."""
    nameless = (village.hidden, village.flying)
    report(Attack(what, _score(found, *nameless), _score(found, village.known)))
    assert _score(found, village.known).share == 1
    for canaries in nameless:
        assert _elsewhere(found, canaries) == {}


async def test_nothing_is_in_a_dump_or_in_statistics(village: Village, report: Report) -> None:
    """Of who acted anonymously, a dump and the planner's statistics hold preferences alone."""
    sources = [*dump(village.town.process.data_dir), *await statistics(village.town.database)]
    _judge(search(sources, village.kinds), village, "residue: dump and statistics", report)


async def test_nothing_is_on_disk_after_a_stop(village: Village, report: Report) -> None:
    """No file of a stopped authority, its log included, nor of its edge says who acted."""
    village.stop()
    try:
        found = search(_lying(village), village.kinds)
    finally:
        await village.start()
    _judge(found, village, "residue: all files, after a stop", report)


async def test_nothing_is_on_disk_after_a_crash(village: Village, report: Report) -> None:
    """No file says who acted where authority, edge and database are killed as events come in.

    The edge holds tokens until the authority has their events, and nothing of them after.
    """
    shipped = village.tokens_on_disk()
    await village.live_on()
    village.crash()
    try:
        waiting = village.tokens_on_disk()
        found = search(_lying(village), village.kinds)
    finally:
        await village.start()
    tokens = Score(CANARIES, shipped), Score(50, min(waiting, 50))
    report(Attack("residue: tokens, once shipped", *tokens))
    _judge(found, village, "residue: all files, after a crash", report)
    assert waiting
    assert shipped == 0


async def test_nothing_is_left_of_what_was_folded(village: Village, report: Report) -> None:
    """After a scrub nothing says any more that a contact that opted out had acted before."""
    village.stop()
    before = search(_lying(village), [village.folded])
    await village.start()
    try:
        village.town.scrub()
        await village.learn_names()
    finally:
        village.stop()
    after = search(_lying(village), [village.folded])
    await village.start()
    was, left = _score(before, village.folded), _score(after, village.folded)
    report(Attack("residue: folded, after a scrub", left, was))
    assert was.share == 1
    assert _elsewhere(after, village.folded) == {}
