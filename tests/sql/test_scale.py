"""Operations of the service touch as many pages in a database of 200,000 events as in one of 2,000.

`make scale` does the same with many more events.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from tests.conftest import RunningAuthority
from tests.inspection import database_uri, on
from tests.scale.comparison import MAX_RATIO, PHASES, Comparison, Place, compared
from tests.scale.filling import fill
from tests.scale.metering import opened_meter
from tests.scale.operations import OPERATIONS, Operations
from tests.scale.shape import Size

from .conftest import new_database

NOW = datetime.now(UTC)
SMALL = Size(2_000, tenants=100, campaigns=30)
LARGE = Size(200_000, tenants=100, campaigns=30)

BOUNDED = [operation.name for operation in OPERATIONS if not operation.growth]


def _silent(_: str) -> None:
    """Report nothing."""


@pytest.fixture(scope="module")
async def places(authority: RunningAuthority) -> AsyncIterator[tuple[Place, Place]]:
    """Two filled databases, the smaller first."""
    server = database_uri(authority.process.data_dir)
    async with new_database(authority) as small, new_database(authority) as large:
        await fill(small, SMALL, NOW, _silent)
        await fill(large, LARGE, NOW, _silent)
        yield Place(small, server, SMALL), Place(large, server, LARGE)


@pytest.fixture(scope="module")
async def comparisons(places: tuple[Place, Place]) -> dict[str, Comparison]:
    """All operations on both databases, planned without statistics."""
    found = await compared(*places, NOW, _silent, PHASES[:1])
    return {each.operation.name: each for each in found}


@pytest.mark.parametrize("name", BOUNDED)
def test_an_operation_does_not_grow(comparisons: dict[str, Comparison], name: str) -> None:
    """A hundred times as many events of other tenants do not make it touch more pages."""
    found = comparisons[name]
    assert not found.is_too_large, f"{found.ratio:.1f} times: {found.small} {found.large}"


async def test_an_opt_out_without_its_index_grows(
    places: tuple[Place, Place], comparisons: dict[str, Comparison]
) -> None:
    """Control: without the index by contact, an opt-out reads the events of all tenants."""
    _, large = places
    async with on(large.uri) as connection:
        await connection.execute("drop index events_contact")
    async with opened_meter(large.uri, large.server) as meter:
        operations = Operations(meter.database, large.size, NOW, consumed=2)
        measured = await meter.measure(operations.opt_out_of_usual_contact)
    small = comparisons["opt-out of a contact with 5 events"].small
    assert measured.buffers > MAX_RATIO * small.buffers
