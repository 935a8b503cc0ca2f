"""The commands `hushpost stats` and `hushpost campaigns`: reports in the terminal."""
