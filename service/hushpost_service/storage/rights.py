"""Checks at the start that the database role has the rights that it will need later.

Without them, partitions would be missing months after the start, and VACUUM skips a table
with no more than a warning.
"""

from itertools import groupby
from operator import itemgetter

import asyncpg

from hushpost_service.storage.sql import rights as sql

__all__ = ["RightsError", "check_rights"]


class RightsError(Exception):
    """The database role lacks rights; the message lists them."""


async def check_rights(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Raise RightsError if the role may not create tables, or does not own those that exist."""
    missing = await connection.fetch(sql.MISSING_RIGHTS)
    if missing:
        role = await connection.fetchval(sql.ROLE)
        needs = [
            f"{need} {', '.join(name for _, name in objects)}"
            for need, objects in groupby(missing, itemgetter(0))
        ]
        raise RightsError(
            f"the database role {role} lacks rights that it needs, for partitions and vacuums "
            f"too: {'; '.join(needs)}"
        )
