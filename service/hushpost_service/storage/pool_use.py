"""How a connection pool is used."""

from typing import NamedTuple

__all__ = ["PoolUse"]


class PoolUse(NamedTuple):
    """How a pool is used at a time.

    Attributes:
        used: Connections in use.
        idle: Connections that are open and not in use.
        waiting: Callers that wait for a connection.
        limit: The greatest number of connections.
    """

    used: int
    idle: int
    waiting: int
    limit: int
