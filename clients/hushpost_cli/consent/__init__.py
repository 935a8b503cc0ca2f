"""The commands `hushpost consent get`, `set` and `log`: consent of single contacts."""
