"""The command `hushpost import`: imports contacts and preferences from a CSV file."""
