"""Fixtures that disturb the authority through its database."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import RunningAuthority
from tests.inspection import Connection, connected


@pytest.fixture
async def database(authority: RunningAuthority) -> AsyncIterator[Connection]:
    """A connection to the database of the shared authority."""
    async with connected(authority.process.data_dir) as connection:
        yield connection
