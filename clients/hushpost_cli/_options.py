"""The options that the commands share: the authority, and the contacts file."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

__all__ = [
    "API_KEY_VARIABLE",
    "DEFAULT_AUTHORITY",
    "ApiKeyFile",
    "AsJson",
    "Authority",
    "CaFile",
    "ClientCertificate",
    "ClientKey",
    "ContactColumn",
    "Delimiter",
    "DryRun",
    "Encoding",
    "File",
    "NewFile",
    "OneTenant",
    "Rejected",
    "Tenant",
    "Tls",
    "Yes",
]

API_KEY_VARIABLE = "HUSHPOST_API_KEY"
DEFAULT_AUTHORITY = "localhost:50051"

_CONNECTION = "Connection"
_FILE = "Contacts file"

Tenant: TypeAlias = Annotated[
    str,
    typer.Option(
        help="The tenant that owns the contacts; must be the key's tenant.",
        rich_help_panel=_CONNECTION,
    ),
]
OneTenant: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--tenant",
        help="The tenant. Default: the key's tenant.",
        rich_help_panel=_CONNECTION,
    ),
]
Authority: TypeAlias = Annotated[
    str,
    typer.Option(
        help="Address of the authority, host:port or unix:/path.",
        envvar="HUSHPOST_AUTHORITY",
        rich_help_panel=_CONNECTION,
    ),
]
ApiKeyFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help=f"File with the API key. Default: the key in {API_KEY_VARIABLE}.",
        rich_help_panel=_CONNECTION,
    ),
]
Tls: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--tls/--no-tls",
        help="Use TLS. Default: yes, except for loopback addresses.",
        rich_help_panel=_CONNECTION,
    ),
]
CaFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="PEM file with the CA certificates to trust; implies --tls.",
        rich_help_panel=_CONNECTION,
    ),
]
ClientCertificate: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="PEM file with the certificate chain to present; implies --tls.",
        rich_help_panel=_CONNECTION,
    ),
]
ClientKey: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="PEM file with the private key of the client certificate.",
        rich_help_panel=_CONNECTION,
    ),
]

File: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="CSV file; - for standard input.",
    ),
]
NewFile: TypeAlias = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="The file to write; - for standard output."),
]
Delimiter: TypeAlias = Annotated[
    Literal["auto", ",", ";", "tab"],
    typer.Option(help="The character between cells.", rich_help_panel=_FILE),
]
Encoding: TypeAlias = Annotated[
    Literal["utf-8", "windows-1252", "iso-8859-1", "utf-16"],
    typer.Option(help="The encoding of FILE.", rich_help_panel=_FILE),
]
ContactColumn: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The column with the contact ids. Default: contact_id.",
        rich_help_panel=_FILE,
    ),
]
Rejected: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="File for rejected rows. Default: NAME.rejected.csv next to FILE.",
        rich_help_panel=_FILE,
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
DryRun: TypeAlias = Annotated[
    bool,
    typer.Option("--dry-run", help="Check the file and report; call and write nothing."),
]
