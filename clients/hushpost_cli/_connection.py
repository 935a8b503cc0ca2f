"""Where the authority is, and with which key and encryption it is called."""

import ipaddress
import os
from pathlib import Path

from hushpost_cli._failures import fail
from hushpost_client import TLS

__all__ = ["API_KEY_VARIABLE", "choose_tls", "read_api_key"]

API_KEY_VARIABLE = "HUSHPOST_API_KEY"


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


def choose_tls(server: str, wanted: bool | None, ca_file: Path | None) -> TLS | bool:
    """Answer how to encrypt: as asked, otherwise always but to this machine itself."""
    if ca_file is not None:
        try:
            return TLS(root_certificates=ca_file.read_bytes())
        except OSError as error:
            raise fail(f"{ca_file} can't be read: {error.strerror}", 2) from error
    return not _is_loopback(server) if wanted is None else wanted


def _is_loopback(server: str) -> bool:
    host = server.rpartition(":")[0].strip("[]") or server
    if host == "localhost" or server.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
