"""The command `hushpost import`: contacts and their preferences from a CSV file."""
