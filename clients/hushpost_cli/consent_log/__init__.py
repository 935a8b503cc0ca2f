"""The commands `hushpost consent`: exports the log of preferences, and verifies exports."""
