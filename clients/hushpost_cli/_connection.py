"""Where the authority is, and with which key and encryption it is called."""

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

import typer

from hushpost_cli._failures import fail
from hushpost_client import TLS, Hushpost, RetryPolicy

__all__ = [
    "API_KEY_VARIABLE",
    "Access",
    "ApiKeyFile",
    "Authority",
    "CaFile",
    "Tenant",
    "Tls",
    "choose_tls",
    "read_api_key",
]

API_KEY_VARIABLE = "HUSHPOST_API_KEY"

# The options of every command that calls the authority.
Tenant = Annotated[str, typer.Option(help="Whose contacts; must be the key's tenant.")]
Authority = Annotated[
    str, typer.Option(help="host:port of the authority.", envvar="HUSHPOST_AUTHORITY")
]
ApiKeyFile = Annotated[
    Path | None,
    typer.Option(help=f"File with the API key; without it, {API_KEY_VARIABLE} has the key."),
]
Tls = Annotated[
    bool | None,
    typer.Option("--tls/--no-tls", help="Encrypt; by default unless on this machine."),
]
CaFile = Annotated[Path | None, typer.Option(help="PEM file of whom to trust; implies --tls.")]

# Longer than a client's default, because nobody waits for a single answer: an
# authority that restarts is back within this half minute.
_RETRY = RetryPolicy(max_tries=12)


@dataclass(frozen=True, slots=True)
class Access:
    """Where the authority is, and what it takes to be heard there."""

    authority: str
    api_key: str
    tls: TLS | bool
    tenant_id: str

    @classmethod
    def of(
        cls,
        tenant_id: str,
        authority: str,
        api_key_file: Path | None,
        tls: bool | None,
        ca_file: Path | None,
    ) -> Self:
        """Read what the options name. Raises typer.Exit."""
        key = read_api_key(api_key_file)
        return cls(authority, key, choose_tls(authority, tls, ca_file), tenant_id)

    def connect(self) -> Hushpost:
        """Prepare a connection. Call in a running loop."""
        return Hushpost.connect(self.authority, api_key=self.api_key, tls=self.tls, retry=_RETRY)


def read_api_key(file: Path | None) -> str:
    """Answer the API key from its file, or from the environment.

    There is no option for the key itself: whoever lists processes would see it.
    """
    try:
        key = file.read_text("utf-8") if file else os.environ.get(API_KEY_VARIABLE, "")
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"the API key can't be read from {file}: {error}", 2) from error
    key = key.strip()
    if not key:
        raise fail(f"no API key: set {API_KEY_VARIABLE} or give --api-key-file", 2)
    # Header values of gRPC are printable ASCII; the key itself is never shown.
    if not (key.isascii() and key.isprintable()):
        raise fail("the API key holds characters that no key has", 2)
    return key


def choose_tls(authority: str, wanted: bool | None, ca_file: Path | None) -> TLS | bool:
    """Answer how to encrypt: as asked, otherwise always but to this machine itself."""
    if ca_file is not None:
        try:
            return TLS(root_certificates=ca_file.read_bytes())
        except OSError as error:
            raise fail(f"{ca_file} can't be read: {error.strerror}", 2) from error
    return not _is_loopback(authority) if wanted is None else wanted


def _is_loopback(authority: str) -> bool:
    host = authority.rpartition(":")[0].strip("[]") or authority
    if host == "localhost" or authority.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
