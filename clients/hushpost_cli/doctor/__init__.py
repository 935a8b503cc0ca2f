"""The command `hushpost doctor`: checks an installation."""
