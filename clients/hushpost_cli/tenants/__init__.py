"""The commands `hushpost tenants`: create, list and show tenants."""
