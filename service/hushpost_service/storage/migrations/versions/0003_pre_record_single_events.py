"""Adds the function that records the events of single calls."""

from hushpost_service.storage.migrations import run_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the function."""
    run_script(__file__)
