"""Addresses of the servers of a cluster, for tests with the option --citus."""

import pytest

from tests.citus_database import at_server, server_of


@pytest.mark.parametrize(
    ("address", "server"),
    [
        ("postgresql://postgres@db-1:57010/postgres", ("db-1", 57010)),
        ("postgresql://postgres@db-1/postgres", ("db-1", 5432)),
        ("postgresql:///postgres", ("localhost", 5432)),
    ],
)
def test_the_server_of_an_address(address: str, server: tuple[str, int]) -> None:
    """Without a port or a host, PostgreSQL's defaults apply."""
    assert server_of(address) == server


@pytest.mark.parametrize(
    ("address", "moved"),
    [
        ("postgresql://me:secret@db-1/postgres", "postgresql://me:secret@db-2:5433/postgres"),
        ("postgresql://db-1:5432/postgres", "postgresql://db-2:5433/postgres"),
    ],
)
def test_the_same_database_on_another_server(address: str, moved: str) -> None:
    """The role is the same, if one is given."""
    assert at_server(address, "db-2", 5433) == moved
