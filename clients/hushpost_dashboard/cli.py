"""The command `hushpost dashboard`."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from hushpost_dashboard.connection import read_tls
from hushpost_dashboard.sessions import session_cipher
from hushpost_dashboard.settings import Settings
from hushpost_runtime.settings import (
    SettingsError,
    environment_variable,
    option_help,
    read_settings,
)

__all__ = ["register"]


def _help(setting: str) -> str:
    return option_help(Settings, setting)


def register(app: typer.Typer) -> None:
    """Add the command to the console script."""
    app.command("dashboard")(_dashboard)


def _dashboard(
    listen: Annotated[str | None, typer.Option(help=_help("listen"))] = None,
    authority: Annotated[str | None, typer.Option(help=_help("authority"))] = None,
    tls: Annotated[bool | None, typer.Option("--tls/--no-tls", help=_help("tls"))] = None,
    ca_file: Annotated[Path | None, typer.Option(help=_help("ca_file"))] = None,
    client_certificate: Annotated[
        Path | None, typer.Option(help=_help("client_certificate"))
    ] = None,
    client_key: Annotated[Path | None, typer.Option(help=_help("client_key"))] = None,
    session_key_file: Annotated[Path | None, typer.Option(help=_help("session_key_file"))] = None,
    trusted_proxies: Annotated[str | None, typer.Option(help=_help("trusted_proxies"))] = None,
    insecure: Annotated[
        bool | None, typer.Option("--insecure", help=_help("insecure"), show_default=False)
    ] = None,
    drain_seconds: Annotated[float | None, typer.Option(help=_help("drain_seconds"))] = None,
    log_level: Annotated[str | None, typer.Option(help=_help("log_level"))] = None,
) -> None:
    """Show campaign statistics in a browser until SIGTERM or Ctrl-C.

    People sign in with an API key of role REPORTER and see the campaigns of the key's tenant.
    The command itself needs no key.
    """
    options = {name: value for name, value in locals().items() if value is not None}
    _check(options)
    # The worker process reads the settings again, so pass options in the environment.
    os.environ.update(
        {environment_variable(Settings, name): str(value) for name, value in options.items()}
    )
    # Replaces the process, to release the memory of modules that only the CLI needs.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "hushpost_dashboard"])  # noqa: S606


def _check(options: dict[str, Any]) -> None:
    """Report each invalid setting and exit, before any process starts."""
    try:
        settings = read_settings(Settings, **options)
        read_tls(settings)
        session_cipher(settings.session_key_file)
    except (SettingsError, OSError) as error:
        for line in str(error).splitlines():
            typer.echo(f"hushpost: {line}", err=True)
        raise typer.Exit(2) from None
