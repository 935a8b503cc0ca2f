"""The command `hushpost demo`: a campaign played through a real authority."""
