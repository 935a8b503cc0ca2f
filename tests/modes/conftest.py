"""Clients of a tenant with exact counts, and a connection to the authority's database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.conftest import Clients, RunningAuthority
from tests.inspection import Connection, connected
from tests.mailing import clients_of
from tests.wire import Wire


@pytest.fixture(scope="session")
async def wire(authority: RunningAuthority) -> AsyncIterator[Wire]:
    """A channel to the authority."""
    async with Wire(authority.target) as opened:
        yield opened


@pytest.fixture(scope="session")
async def database(authority: RunningAuthority) -> AsyncIterator[Connection]:
    """A direct connection to the authority's database."""
    async with connected(authority.process.data_dir) as connection:
        yield connection


@pytest.fixture
async def exact_clients(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """Clients of a tenant whose campaigns release exact counts."""
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority)
