"""CSV files of contacts, and the runner of commands that process them row by row."""
