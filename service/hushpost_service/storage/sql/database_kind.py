"""Statements that find out what kind of database it is."""

# Takes an advisory lock until the end of the transaction, unless another session has it.
TRY_LOCK = "select pg_try_advisory_xact_lock($1::bigint)"

# Selects whether the extension Citus is installed in the database.
HAS_CITUS = "select exists (select from pg_extension where extname = 'citus')"
