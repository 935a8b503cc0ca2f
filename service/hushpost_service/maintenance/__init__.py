"""Background jobs and the command that scrubs deleted data."""
