"""Statements about the server."""

# Selects settings as they apply to this session, whether set for the server, database,
# role or session. Settings of extensions exist only where the extension is loaded.
SETTINGS = "select name, setting from pg_settings where name = any($1::text[])"

# Sets a parameter of the session.
SET_PARAMETER = "set {name} = '{value}'"

# Selects the process of the server that executes the statement.
SERVER_PROCESS = "select pg_backend_pid()"

# Selects when the server was started. Another server, such as a promoted standby, has
# another time.
SERVER_START = "select pg_postmaster_start_time()"
