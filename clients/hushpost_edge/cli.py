"""The command `hushpost edge`."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from hushpost_edge.app_links import AppLinksError, check_app_link_files
from hushpost_edge.classifier import Classifier
from hushpost_edge.connection import read_tls
from hushpost_edge.settings import Settings
from hushpost_runtime.address_ranges import AddressRangesError
from hushpost_runtime.settings import (
    SettingsError,
    environment_variable,
    option_help,
    read_settings,
)
from hushpost_runtime.traces_setting import check_traces

__all__ = ["register"]


def _help(setting: str) -> str:
    return option_help(Settings, setting)


def register(app: typer.Typer) -> None:
    """Add the command to the console script."""
    app.command("edge")(_edge)


def _edge(
    listen: Annotated[str | None, typer.Option(help=_help("listen"))] = None,
    authority: Annotated[str | None, typer.Option(help=_help("authority"))] = None,
    api_key_file: Annotated[Path | None, typer.Option(help=_help("api_key_file"))] = None,
    tls: Annotated[bool | None, typer.Option("--tls/--no-tls", help=_help("tls"))] = None,
    ca_file: Annotated[Path | None, typer.Option(help=_help("ca_file"))] = None,
    client_certificate: Annotated[
        Path | None, typer.Option(help=_help("client_certificate"))
    ] = None,
    client_key: Annotated[Path | None, typer.Option(help=_help("client_key"))] = None,
    data_dir: Annotated[Path | None, typer.Option(help=_help("data_dir"))] = None,
    workers: Annotated[int | None, typer.Option(help=_help("workers"))] = None,
    spool_bytes: Annotated[int | None, typer.Option(help=_help("spool_bytes"))] = None,
    trusted_proxies: Annotated[str | None, typer.Option(help=_help("trusted_proxies"))] = None,
    proxy_ranges: Annotated[Path | None, typer.Option(help=_help("proxy_ranges"))] = None,
    prefetch_ranges: Annotated[Path | None, typer.Option(help=_help("prefetch_ranges"))] = None,
    scanner_ranges: Annotated[Path | None, typer.Option(help=_help("scanner_ranges"))] = None,
    verdicts: Annotated[str | None, typer.Option(help=_help("verdicts"))] = None,
    repeat_window_seconds: Annotated[
        float | None, typer.Option(help=_help("repeat_window_seconds"))
    ] = None,
    ask_listen: Annotated[str | None, typer.Option(help=_help("ask_listen"))] = None,
    apple_app_site_association: Annotated[
        Path | None, typer.Option(help=_help("apple_app_site_association"))
    ] = None,
    assetlinks: Annotated[Path | None, typer.Option(help=_help("assetlinks"))] = None,
    drain_seconds: Annotated[float | None, typer.Option(help=_help("drain_seconds"))] = None,
    log_level: Annotated[str | None, typer.Option(help=_help("log_level"))] = None,
) -> None:
    """Serve tracking pixels and redirects over HTTP until SIGTERM or Ctrl-C.

    Redirects and records events even while the authority is down; events wait in
    --data-dir until they are shipped. The API key must have the role EDGE and comes
    from --api-key-file or HUSHPOST_EDGE_API_KEY.
    """
    options = {name: value for name, value in locals().items() if value is not None}
    _check(options)
    # The worker processes read the settings again, so pass options in the environment.
    os.environ.update(
        {environment_variable(Settings, name): str(value) for name, value in options.items()}
    )
    # Replaces the process, to release the memory of modules that only the CLI needs.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "hushpost_edge"])  # noqa: S606


def _check(options: dict[str, Any]) -> None:
    """Report each invalid setting and exit, before any process starts."""
    try:
        settings = read_settings(Settings, **options)
        settings.read_api_key()
        read_tls(settings)
        Classifier.from_settings(settings)
        check_app_link_files(settings)
        check_traces()
    except (SettingsError, AddressRangesError, AppLinksError, OSError) as error:
        for line in str(error).splitlines():
            typer.echo(f"hushpost: {line}", err=True)
        raise typer.Exit(2) from None
