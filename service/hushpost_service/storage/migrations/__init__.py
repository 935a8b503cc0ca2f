"""Schema migrations: numbered revisions for Alembic, each a script of SQL."""

from pathlib import Path

from alembic import op

__all__ = ["run_script"]


def run_script(revision_file: str) -> None:
    """Run the `.sql` beside a revision, in the migration's transaction.

    By the driver's own connection, because SQLAlchemy prepares statements and
    so takes one at a time.
    """
    script = Path(revision_file).with_suffix(".sql").read_text("utf-8")
    driver = op.get_bind().connection.dbapi_connection
    driver.run_async(lambda connection: connection.execute(script))  # type: ignore[union-attr]
