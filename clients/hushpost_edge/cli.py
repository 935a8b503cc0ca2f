"""The command `hushpost edge`."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from hushpost_edge.ranges import RangesError
from hushpost_edge.settings import PREFIX, Settings
from hushpost_edge.verdict import Judge
from hushpost_runtime.settings import SettingsError, option_help, read_settings

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the console script."""
    app.command("edge")(_edge)


def _edge(
    listen: Annotated[str | None, typer.Option(help=option_help(Settings, "listen"))] = None,
    authority: Annotated[str | None, typer.Option(help=option_help(Settings, "authority"))] = None,
    api_key_file: Annotated[
        Path | None, typer.Option(help=option_help(Settings, "api_key_file"))
    ] = None,
    tls: Annotated[
        bool | None, typer.Option("--tls/--no-tls", help=option_help(Settings, "tls"))
    ] = None,
    ca_file: Annotated[Path | None, typer.Option(help=option_help(Settings, "ca_file"))] = None,
    data_dir: Annotated[Path | None, typer.Option(help=option_help(Settings, "data_dir"))] = None,
    workers: Annotated[int | None, typer.Option(help=option_help(Settings, "workers"))] = None,
    spool_bytes: Annotated[
        int | None, typer.Option(help=option_help(Settings, "spool_bytes"))
    ] = None,
    trusted_proxies: Annotated[
        str | None, typer.Option(help=option_help(Settings, "trusted_proxies"))
    ] = None,
    proxy_ranges: Annotated[
        Path | None, typer.Option(help=option_help(Settings, "proxy_ranges"))
    ] = None,
    prefetch_ranges: Annotated[
        Path | None, typer.Option(help=option_help(Settings, "prefetch_ranges"))
    ] = None,
    scanner_ranges: Annotated[
        Path | None, typer.Option(help=option_help(Settings, "scanner_ranges"))
    ] = None,
    trap_link: Annotated[int | None, typer.Option(help=option_help(Settings, "trap_link"))] = None,
    log_level: Annotated[str | None, typer.Option(help=option_help(Settings, "log_level"))] = None,
) -> None:
    """Answer pixels and links over HTTP until SIGTERM or Ctrl-C.

    Redirects and counts whether the authority is up or not: what is not shipped
    yet lies in --data-dir. The API key, of role EDGE, comes from --api-key-file
    or from HUSHPOST_EDGE_API_KEY.
    """
    given = {name: value for name, value in locals().items() if value is not None}
    _check(given)
    environment = {f"{PREFIX}{name.upper()}": str(value) for name, value in given.items()}
    # Workers are processes of their own and read the settings again, so the
    # environment is where they have to be; and by becoming another program the
    # edge sheds whatever else the console script has loaded.
    os.environ.update(environment)
    os.execv(sys.executable, [sys.executable, "-P", "-m", "hushpost_edge"])  # noqa: S606


def _check(given: dict[str, Any]) -> None:
    """Report each invalid setting and exit, before the edge starts."""
    try:
        settings = read_settings(Settings, **given)
        settings.read_api_key()
        Judge.from_files(settings)
    except (SettingsError, RangesError, OSError) as error:
        for line in str(error).splitlines():
            typer.echo(f"hushpost: {line}", err=True)
        raise typer.Exit(2) from None
