"""The console script `hushpost`."""
