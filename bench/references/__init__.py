"""Bare references: the least work that any implementation would have to do."""
