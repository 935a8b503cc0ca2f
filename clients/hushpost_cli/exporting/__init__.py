"""The command `hushpost export`: writes contacts and their consent to a CSV file."""
