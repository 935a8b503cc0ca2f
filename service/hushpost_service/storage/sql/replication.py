"""Statements about replication to synchronous standbys."""

# Makes the commit of the transaction wait for the synchronous standbys, even if it has
# written nothing. PostgreSQL waits only for a transaction that has written WAL; this one
# writes an empty message, which concerns no table and is ignored everywhere.
WAIT_FOR_STANDBYS = """
select pg_logical_emit_message(true, 'hushpost', ''::text)
where pg_current_xact_id_if_assigned() is null
    and current_setting('synchronous_standby_names') <> ''
"""
