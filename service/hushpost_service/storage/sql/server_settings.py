"""The statement about the server's settings."""

# Settings as they are for this session, whoever set them: server, database, role or
# session. Those of extensions are there where the extension is loaded.
SETTINGS = "select name, setting from pg_settings where name = any($1::text[])"
