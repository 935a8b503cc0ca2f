"""The commands of the service: serve, migrate, admin-key, keyring, scrub, distribute, after-restore."""

import typer

from hushpost_service.cli import (
    admin_key,
    after_restore,
    distribute,
    keyring,
    migrate,
    scrub,
    serve,
)

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the console script."""
    for group in (serve, migrate, admin_key, keyring, scrub, distribute, after_restore):
        group.register(app)
