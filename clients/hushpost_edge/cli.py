"""The command `hushpost edge`."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from hushpost_edge.ranges import RangesError
from hushpost_edge.settings import PREFIX, Settings, SettingsError
from hushpost_edge.verdict import Judge

__all__ = ["register"]


def _help(setting: str) -> str:
    return f"{Settings.model_fields[setting].description} (env: {PREFIX}{setting.upper()})"


def register(app: typer.Typer) -> None:
    """Add the command to the console script."""
    app.command("edge")(_edge)


def _edge(
    listen: Annotated[str | None, typer.Option(help=_help("listen"))] = None,
    authority: Annotated[str | None, typer.Option(help=_help("authority"))] = None,
    api_key_file: Annotated[Path | None, typer.Option(help=_help("api_key_file"))] = None,
    tls: Annotated[bool | None, typer.Option("--tls/--no-tls", help=_help("tls"))] = None,
    ca_file: Annotated[Path | None, typer.Option(help=_help("ca_file"))] = None,
    data_dir: Annotated[Path | None, typer.Option(help=_help("data_dir"))] = None,
    workers: Annotated[int | None, typer.Option(help=_help("workers"))] = None,
    spool_bytes: Annotated[int | None, typer.Option(help=_help("spool_bytes"))] = None,
    trusted_proxies: Annotated[str | None, typer.Option(help=_help("trusted_proxies"))] = None,
    proxy_ranges: Annotated[Path | None, typer.Option(help=_help("proxy_ranges"))] = None,
    prefetch_ranges: Annotated[Path | None, typer.Option(help=_help("prefetch_ranges"))] = None,
    scanner_ranges: Annotated[Path | None, typer.Option(help=_help("scanner_ranges"))] = None,
    trap_link: Annotated[int | None, typer.Option(help=_help("trap_link"))] = None,
    log_level: Annotated[str | None, typer.Option(help=_help("log_level"))] = None,
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
    """End with one line for each mistake, while there is still somebody to read it."""
    try:
        settings = Settings.read(**given)
        settings.read_api_key()
        Judge.from_files(settings)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = "".join(f"{part}: " for part in problem["loc"])
            typer.echo(f"hushpost: {name}{problem['msg']}", err=True)
        raise typer.Exit(2) from None
    except (SettingsError, RangesError, OSError) as error:
        typer.echo(f"hushpost: {error}", err=True)
        raise typer.Exit(2) from None
