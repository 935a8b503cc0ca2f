"""Statements around the migration of the schema. `lock` is a constant number."""

# Selects whether a migration has ever been applied.
HAS_REVISION = "select to_regclass('alembic_version') is not null"

# Selects the revision of the schema.
REVISION = "select version_num from alembic_version"

# Selects whether the schema says which releases can use it.
HAS_NEEDED_REVISION = "select to_regclass('schema_compatibility') is not null"

# Selects the revision that a release must know to use the schema.
NEEDED_REVISION = "select needed_revision from schema_compatibility"

# Stores the revision that a release must know to use the schema.
SET_NEEDED_REVISION = "update schema_compatibility set needed_revision = $1"

# Takes the migration lock until the end of the transaction, unless another session has it.
TRY_LOCK_MIGRATION = "select pg_try_advisory_xact_lock({lock})"

# Limits how long the following statements of the transaction wait for a lock.
SET_LOCK_TIMEOUT = "set local lock_timeout = '{milliseconds}ms'"

# Takes the migration lock until the end of the transaction; waits for it.
LOCK_MIGRATION = "select pg_advisory_xact_lock({lock})"

# Removes the limit.
RESET_LOCK_TIMEOUT = "set local lock_timeout to default"

# Selects the process id of the session that has the migration lock.
MIGRATION_LOCK_HOLDER = """
select pid from pg_locks
where locktype = 'advisory' and granted and classid = 0 and objid = {lock} and objsubid = 1
    and database = (select oid from pg_database where datname = current_database())
"""
