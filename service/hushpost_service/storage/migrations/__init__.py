"""Schema migrations: Alembic revisions, each with a SQL script of the same name."""

from pathlib import Path

from alembic import op

from hushpost_service.storage.sql_script import statements

__all__ = ["run_script"]


def run_script(revision_file: str) -> None:
    """Run the SQL script next to a revision's file, in the transaction of `migration.upgrade`.

    Runs one statement after another: for each that changes a distributed table, Citus would send
    the workers the whole script. Uses the connection of asyncpg, because SQLAlchemy prepares
    each statement.
    """
    driver = op.get_bind().connection.dbapi_connection
    for statement in statements(Path(revision_file).with_suffix(".sql").read_text("utf-8")):
        driver.run_async(lambda connection, text=statement: connection.execute(text))  # type: ignore[union-attr]
