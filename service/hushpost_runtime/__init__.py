"""Code shared by all Hushpost processes: logging, settings, garbage collection."""
