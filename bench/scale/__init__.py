"""SQL at size: what the service's operations read in a database with many millions of events."""
