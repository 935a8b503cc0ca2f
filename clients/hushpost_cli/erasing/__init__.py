"""The command `hushpost erase`: forgets the contacts of a CSV file."""
