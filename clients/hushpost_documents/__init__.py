"""JSON and CSV documents that the command line and the dashboard write."""
