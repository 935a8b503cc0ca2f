"""Statements about a database that is distributed by tenant; they need the extension Citus."""

# Selects whether the server is the coordinator of its cluster.
IS_COORDINATOR = "select groupid = 0 from pg_dist_local_group"

# Selects whether the tables of tenants are distributed.
IS_DISTRIBUTED = """
select exists (select from pg_dist_partition where logicalrelid = to_regclass('policies'))
"""
