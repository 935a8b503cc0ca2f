"""The command `hushpost erase`: erases the contacts of a CSV file."""
