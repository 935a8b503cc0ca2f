"""Clients of a tenant with exact counts, and a connection to the authority's database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.conftest import Clients, RunningAuthority
from tests.mailing import clients_of


@pytest.fixture
async def exact_clients(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """Clients of a tenant whose campaigns release exact counts."""
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority)
