"""Statements about the fingerprints of the keyring's keys."""

# Serializes the registration of keys, until the commit.
LOCK_KEYRING = "select pg_advisory_xact_lock({lock})"

# Selects the fingerprints of all registered keys.
FINGERPRINTS = "select key_id, fingerprint from keyring_keys"

# Registers keys.
INSERT_FINGERPRINTS = """
insert into keyring_keys (key_id, fingerprint, create_time)
select key_id, fingerprint, clock_timestamp()
from unnest($1::smallint[], $2::bytea[]) as input(key_id, fingerprint)
"""

# Selects the lowest of the highest key ids that running authorities know; null if none
# is running. An authority's sessions say it in their names. Sessions of other roles have
# no visible name, unless the own role may read all statistics.
LOWEST_KNOWN_KEY = """
select min(substring(application_name from '^hushpost key ([0-9]+)$')::integer)
from pg_stat_activity
where datname = current_database()
"""
