"""Recording opens and clicks: from a token to a committed event."""
