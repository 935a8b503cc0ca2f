"""Periodic maintenance, and the scrubber that removes the remains of deleted data."""
