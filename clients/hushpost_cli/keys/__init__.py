"""The commands `hushpost keys`: create, list and revoke API keys."""
