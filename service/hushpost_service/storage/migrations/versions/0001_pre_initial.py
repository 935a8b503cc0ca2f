"""Creates the initial schema."""

from hushpost_service.storage.migrations import run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create all tables."""
    run_script(__file__)
