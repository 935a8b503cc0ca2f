"""How far released counts are from the true ones, for the settings that exist and for others."""
