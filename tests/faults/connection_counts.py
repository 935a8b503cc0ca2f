"""Counts the database connections of authorities."""

from tests.inspection import Connection

__all__ = ["sessions"]


async def sessions(connection: Connection, *, waiting: bool = False) -> int:
    """Count the sessions of authorities, or those that wait for a lock."""
    condition = "wait_event_type = 'Lock'" if waiting else "true"
    return int(
        await connection.fetchval(
            f"select count(*) from pg_stat_activity where {condition}"  # noqa: S608 - no input
            " and backend_type = 'client backend' and application_name like 'hushpost%'"
        )
    )
