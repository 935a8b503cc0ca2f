"""What the service keeps in PostgreSQL. All SQL stands in `storage.sql`."""
