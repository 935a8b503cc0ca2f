"""Builds the application from the commands of whatever is installed."""

from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer

from hushpost_cli._failures import FailureGroup
from hushpost_cli.importing.command import import_contacts

__all__ = ["build"]

# Modules that bring commands of their own, and the extra that each needs.
_PROVIDERS = {"hushpost_service.cli": "service", "hushpost_demo.cli": "service"}


def build() -> typer.Typer:
    """Answer the application."""
    app = typer.Typer(
        name="hushpost",
        cls=FailureGroup,
        no_args_is_help=True,
        add_completion=False,
        # A traceback with local variables would print API keys.
        pretty_exceptions_enable=False,
    )
    app.command("import")(import_contacts)
    missing = {extra for name, extra in _PROVIDERS.items() if not _mount(app, name)}
    hints = [
        f"pip install 'hushpost[{extra}]' adds commands." for extra in sorted(missing)
    ]
    app.callback(epilog=" ".join(hints) or None)(_options)
    return app


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"hushpost {version('hushpost')}")
        raise typer.Exit


def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Hushpost: record opens and clicks, and let a recipient stay unknown."""


def _mount(app: typer.Typer, provider: str) -> bool:
    """Add a provider's commands; answer False where its extra is not installed."""
    try:
        module = import_module(provider)
    except ModuleNotFoundError as missing:
        name = missing.name or ""
        if provider == name or provider.startswith(f"{name}."):
            return True  # not part of this installation at all
        if name.startswith("hushpost"):
            raise  # a fault of ours, not something to install
        return False
    module.register(app)
    return True
