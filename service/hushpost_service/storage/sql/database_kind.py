"""Statements that find out what kind of database it is."""

# Begins a transaction, and ends it. The driver's context manager would also send a rollback on a
# connection whose last statement was given up, and wait for its answer.
BEGIN = "begin"
ROLLBACK = "rollback"

# Takes an advisory lock until the end of the transaction, unless another session has it.
TRY_LOCK = "select pg_try_advisory_xact_lock($1::bigint)"

# Selects whether the extension Citus is installed in the database.
HAS_CITUS = "select exists (select from pg_extension where extname = 'citus')"
