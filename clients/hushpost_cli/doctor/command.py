"""The command `hushpost doctor`."""

import asyncio
import platform
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from hushpost_cli._connection import ConnectionOptions
from hushpost_cli._exit import USAGE, fail
from hushpost_cli._findings import report
from hushpost_cli._options import ApiKeyFile, AsJson, CaFile, ClientCertificate, ClientKey, Tls
from hushpost_cli.doctor import authority as authority_checks
from hushpost_cli.doctor import edge as edge_checks
from hushpost_runtime.findings import Finding, problem, works

__all__ = ["check_installation"]

_PARTS = "Parts to check"
_DATABASE = "Database"


def check_installation(
    *,
    database: Annotated[
        bool,
        typer.Option(
            "--database",
            help="The database and keyring of hushpost serve, with its environment.",
            rich_help_panel=_PARTS,
        ),
    ] = False,
    authority: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="The authority at host:port: certificate, health, and what the API key may do.",
            envvar="HUSHPOST_AUTHORITY",
            rich_help_panel=_PARTS,
        ),
    ] = None,
    edge: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The edge at http://host:port.", rich_help_panel=_PARTS),
    ] = None,
    spool: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The spool in the --data-dir of an edge on this machine.",
            rich_help_panel=_PARTS,
        ),
    ] = None,
    as_json: AsJson = False,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the embedded database and the keyring, as of hushpost serve.",
            rich_help_panel=_DATABASE,
        ),
    ] = None,
    keyring: Annotated[
        Path | None,
        typer.Option(
            help="File with the token keys. Default: keyring.json in --data-dir.",
            rich_help_panel=_DATABASE,
        ),
    ] = None,
    api_key_file: ApiKeyFile = None,
    tls: Tls = None,
    ca_file: CaFile = None,
    client_certificate: ClientCertificate = None,
    client_key: ClientKey = None,
) -> None:
    """Check an installation, and say what to do about each problem.

    Changes nothing. Run it on the machine of the authority with --database,
    on the machine of an edge with --spool and --authority, and anywhere with
    --authority or --edge.

    Exits with 1 if there is a problem; warnings do no harm yet.

    Example: hushpost doctor --database --authority localhost:50051
    """
    if not (database or authority or edge or spool):
        raise fail("nothing to check: give --database, --authority, --edge or --spool", USAGE)
    findings = [
        works("version", f"hushpost {version('hushpost')}, Python {platform.python_version()}.")
    ]
    if database:
        module = _module("hushpost_service.cli.diagnosis")
        findings += (
            asyncio.run(module.diagnose(data_dir, keyring)) if module else [_missing("service")]
        )
    if authority:
        options = ConnectionOptions(
            authority=authority,
            api_key_file=api_key_file,
            tls=tls,
            ca_file=ca_file,
            client_certificate=client_certificate,
            client_key=client_key,
        )
        findings += authority_checks.diagnose(options)
    if edge:
        findings += edge_checks.diagnose(edge)
    if spool:
        module = _module("hushpost_edge.diagnosis")
        findings += module.diagnose(spool) if module else [_missing("edge")]
    report(findings, as_json=as_json)


def _module(name: str) -> Any:
    """Import the checks of another package; None if its extra is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError as missing:
        own = (missing.name or "").startswith("hushpost")
        if own and not name.startswith(f"{missing.name}"):
            raise  # a bug, not a missing extra
        return None


def _missing(extra: str) -> Finding:
    return problem(
        "installation",
        f"This part can't be checked, because the extra {extra} is not installed.",
        f"pip install 'hushpost[{extra}]'",
    )
