"""The commands `hushpost domains`: add, check, list and remove tracking domains."""
