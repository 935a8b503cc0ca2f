"""CSV files of contacts as people have them, whatever is to be done with the contacts."""
