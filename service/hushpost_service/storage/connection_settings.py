"""Settings of the database sessions of the authority."""

from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.server_settings import SESSION_SETTINGS
from hushpost_service.storage.sql.server_settings import SET_PARAMETER

__all__ = ["CONNECTION_SETTINGS", "connection_settings", "settings_script"]

CONNECTION_SETTINGS = {
    **SESSION_SETTINGS,
    # `checking_replication` needs the warnings of the server.
    "client_min_messages": "warning",
    # A statement outside a transaction must see what was committed before it waited for a lock.
    "default_transaction_isolation": "read committed",
    "jit": "off",
    # Otherwise PostgreSQL makes a custom plan whenever it estimates that to
    # be cheaper; planning takes as long as a small commit.
    "plan_cache_mode": "force_generic_plan",
    # In a large table the planner overestimates what a look-up by contact returns, and would
    # start parallel workers for a few rows.
    "max_parallel_workers_per_gather": "0",
    # Plans of prepared statements are kept. One made while a table is empty
    # would use a sequential scan forever; every statement has an index.
    "enable_seqscan": "off",
    # Columns that identify contacts have no statistics. The planner then
    # overestimates the events per contact, and would scan all of a tenant's
    # entries in an index whose last column is the contact.
    "enable_indexonlyscan": "off",
    # `order by key limit 1` names the index of a look-up. While a table is small, reading
    # all of a tenant's rows through another index and sorting them is estimated to be cheaper.
    "enable_sort": "off",
}
"""Settings of every connection to a single server."""

_CLUSTER_SETTINGS = {
    # A generic plan cannot name the shard of a tenant that is a parameter.
    "plan_cache_mode": "auto",
    # Otherwise each query of the catalog checks for each table whether it is a shard. The driver's
    # query for an array type, of which each connection makes some, takes seconds.
    "citus.override_table_visibility": "off",
    # The scrubber rewrites shards.
    "citus.enable_manual_changes_to_shards": "on",
}
"""Settings that differ for a server of a Citus cluster."""


def connection_settings(kind: DatabaseKind) -> dict[str, str]:
    """Return the settings of every connection to a database of a kind."""
    if kind is DatabaseKind.SINGLE:
        return CONNECTION_SETTINGS
    return CONNECTION_SETTINGS | _CLUSTER_SETTINGS


def settings_script(kind: DatabaseKind) -> str:
    """Return the script that gives a session the settings.

    They are not parameters of the connection, because PgBouncer rejects those that it does not
    know.
    """
    return "; ".join(
        SET_PARAMETER.format(name=name, value=value)
        for name, value in connection_settings(kind).items()
    )
