"""Builds the console application with the commands of all installed packages."""

from importlib.metadata import version
from typing import Annotated

import typer

from hushpost_cli._command_group import InstalledGroup
from hushpost_cli.consent.command import consent
from hushpost_cli.doctor.command import check_installation
from hushpost_cli.domains.command import domains
from hushpost_cli.erasing.command import erase_contacts
from hushpost_cli.exporting.command import export_contacts
from hushpost_cli.importing.command import import_contacts
from hushpost_cli.keys.command import keys
from hushpost_cli.policy.command import policy
from hushpost_cli.reporting.command import list_campaigns, show_stats
from hushpost_cli.tenants.command import tenants

__all__ = ["build"]


def build() -> typer.Typer:
    """Return the application."""
    app = typer.Typer(
        name="hushpost",
        cls=InstalledGroup,
        no_args_is_help=True,
        # Rich tracebacks show local variables, and thereby API keys.
        pretty_exceptions_enable=False,
    )
    app.command("campaigns")(list_campaigns)
    app.command("stats")(show_stats)
    app.add_typer(consent, name="consent")
    app.command("import")(import_contacts)
    app.command("export")(export_contacts)
    app.command("erase")(erase_contacts)
    app.add_typer(policy, name="policy")
    app.add_typer(tenants, name="tenants")
    app.add_typer(keys, name="keys")
    app.add_typer(domains, name="domains")
    app.command("doctor")(check_installation)
    app.callback()(_options)
    return app


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"hushpost {version('hushpost')}")
        raise typer.Exit


def _options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Hushpost: email tracking that honours every recipient's choice."""
