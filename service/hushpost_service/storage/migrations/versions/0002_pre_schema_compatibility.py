"""Adds the table that tells earlier releases whether they can use the schema."""

from hushpost_service.storage.migrations import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table with its row, which each migration updates."""
    run_script(__file__)
