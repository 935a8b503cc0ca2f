"""Rules without I/O: modes, verdicts, roles, events, the release rule, validation, errors."""
