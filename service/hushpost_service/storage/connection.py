"""The type of a pooled database connection, for annotations."""

from typing import TypeAlias

import asyncpg
import asyncpg.pool

__all__ = ["Connection"]

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
"""A string at run time, because asyncpg's class is generic only in its type stubs."""
