"""PostgreSQL storage. All SQL is in `storage.sql`; other packages call the functions here."""
