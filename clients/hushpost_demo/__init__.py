"""The command `hushpost demo`: a campaign on a real authority, edge and database."""
