"""Statements that take the advisory locks of a tenant, until the end of the transaction.

`tenant` is a parameter or, because a script of two statements cannot have parameters, an internal
integer. `key` is the function of the lock, with its arguments: see `EXCLUSIVE` and `SHARED`.
"""

# Parts of statements: the functions.
EXCLUSIVE = "pg_advisory_xact_lock({lock}, {tenant})"
SHARED = "pg_advisory_xact_lock_shared({lock}, {tenant})"

# Takes a lock.
LOCK_TENANT_KEY = "select {key}"

# Takes a lock on the worker that has the rows of the tenant. Every tenant has policies.
LOCK_TENANT_KEY_ON_WORKER = "select {key} from policies where tenant = {tenant} limit 1"

# Keeps the rows of a tenant on their worker. It deletes nothing, but any statement that may write
# makes a move of the rows wait for the end of the transaction.
HOLD_TENANT = "delete from anonymization_jobs where tenant = {tenant} and job < 0"
