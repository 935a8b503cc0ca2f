"""A look behind the authority, to disturb it."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import RunningAuthority
from tests.inspection import Connection, connected


@pytest.fixture
async def database(authority: RunningAuthority) -> AsyncIterator[Connection]:
    """A connection of the test's own to the shared authority's database."""
    async with connected(authority.process.data_dir) as connection:
        yield connection
