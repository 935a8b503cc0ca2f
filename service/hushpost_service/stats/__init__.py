"""Campaign statistics."""
