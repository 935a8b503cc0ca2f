"""The statement about the clock of the database server."""

# Selects the database's time, by which all authorities judge and date.
NOW = "select clock_timestamp()"
