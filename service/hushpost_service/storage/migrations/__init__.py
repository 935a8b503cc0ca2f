"""Schema migrations: Alembic revisions, each with a SQL script of the same name."""

from pathlib import Path

from alembic import op

__all__ = ["run_script"]


def run_script(revision_file: str) -> None:
    """Run the SQL script next to a revision's file, in the transaction of `migration.upgrade`.

    Uses the connection of asyncpg, because SQLAlchemy prepares statements and a prepared
    statement cannot be a script.
    """
    script = Path(revision_file).with_suffix(".sql").read_text("utf-8")
    driver = op.get_bind().connection.dbapi_connection
    driver.run_async(lambda connection: connection.execute(script))  # type: ignore[union-attr]
