"""Connects to the authority with the key and encryption given by the options."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from hushpost_cli._exit import USAGE, fail
from hushpost_cli._options import API_KEY_VARIABLE
from hushpost_client import TLS, Hushpost, RetryPolicy
from hushpost_runtime.secret_file import read_secret_file

__all__ = ["Connection", "read_api_key", "read_tls"]

# More retries than the client's default, because batch jobs can wait: half a minute
# covers the restart of an authority.
_RETRY = RetryPolicy(max_tries=12)


@dataclass(frozen=True, slots=True)
class Connection:
    """The address of the authority, the API key and the encryption."""

    authority: str
    api_key: str
    tls: TLS | bool | None

    @classmethod
    def from_options(
        cls, authority: str, api_key_file: Path | None, tls: bool | None, ca_file: Path | None
    ) -> Self:
        """Read the files named by the options. Raises typer.Exit."""
        return cls(authority, read_api_key(api_key_file), read_tls(tls, ca_file))

    def open(self) -> Hushpost:
        """Return a client, to be used in the running event loop."""
        return Hushpost.connect(self.authority, api_key=self.api_key, tls=self.tls, retry=_RETRY)


def read_api_key(file: Path | None) -> str:
    """Return the API key from its file or from the environment. Raises typer.Exit.

    There is no option for the key itself, because process lists show options.
    """
    try:
        key = read_secret_file(file).decode() if file else os.environ.get(API_KEY_VARIABLE, "")
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"the API key can't be read from {file}: {error}", USAGE) from error
    key = key.strip()
    if not key:
        raise fail(f"no API key: set {API_KEY_VARIABLE} or give --api-key-file", USAGE)
    # gRPC metadata must be printable ASCII.
    if not (key.isascii() and key.isprintable()):
        source = file or API_KEY_VARIABLE
        raise fail(f"the API key in {source} must be printable ASCII; copy it again", USAGE)
    return key


def read_tls(tls: bool | None, ca_file: Path | None) -> TLS | bool | None:
    """Return the client's TLS setting; None leaves the choice to the client."""
    if ca_file is None:
        return tls
    try:
        return TLS(root_certificates=ca_file.read_bytes())
    except OSError as error:
        raise fail(f"{ca_file} can't be read: {error.strerror}", USAGE) from error
