"""Connects to the authority with the key and encryption given by the options."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hushpost_cli._exit import INTERRUPTED, USAGE, fail
from hushpost_cli._options import API_KEY_VARIABLE
from hushpost_client import TLS, Hushpost, RetryPolicy
from hushpost_runtime.secret_file import read_secret_file

__all__ = ["BATCH_RETRY", "Connection", "ConnectionOptions", "read_api_key", "read_tls"]

_T = TypeVar("_T")

BATCH_RETRY = RetryPolicy(max_tries=12)
"""More retries than the client's default, because batch jobs can wait: half a minute covers the
restart of an authority."""


@dataclass(frozen=True, slots=True)
class Connection:
    """The address of the authority, the API key and the encryption."""

    authority: str
    api_key: str
    tls: TLS | bool | None

    def open(self, *, retry: RetryPolicy = RetryPolicy()) -> Hushpost:
        """Return a client, to be used in the running event loop."""
        return Hushpost.connect(self.authority, api_key=self.api_key, tls=self.tls, retry=retry)

    def run(
        self, call: Callable[[Hushpost], Awaitable[_T]], *, interrupted: str | None = None
    ) -> _T:
        """Call a function with a client in a new event loop; return its result.

        Args:
            call: The function.
            interrupted: What to print after Ctrl-C, if "interrupted" does not say enough.
        """

        async def connected() -> _T:
            async with self.open() as hushpost:
                return await call(hushpost)

        try:
            return asyncio.run(connected())
        except KeyboardInterrupt:
            if interrupted is None:
                raise
            raise fail(interrupted, INTERRUPTED) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """The options of the connection. Files are read when the connection is needed."""

    authority: str
    api_key_file: Path | None
    tls: bool | None
    ca_file: Path | None
    client_certificate: Path | None
    client_key: Path | None

    def read(self) -> Connection:
        """Return what the options say. Raises typer.Exit."""
        return Connection(
            self.authority,
            read_api_key(self.api_key_file),
            read_tls(self.tls, self.ca_file, self.client_certificate, self.client_key),
        )


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


def read_tls(
    tls: bool | None,
    ca_file: Path | None,
    client_certificate: Path | None = None,
    client_key: Path | None = None,
) -> TLS | bool | None:
    """Return the client's TLS setting; None leaves the choice to the client. Raises typer.Exit."""
    if (client_certificate is None) is not (client_key is None):
        raise fail("--client-certificate and --client-key must be given together", USAGE)
    if ca_file is None and client_certificate is None:
        return tls
    if tls is False:
        raise fail("--no-tls contradicts the options with certificates", USAGE)
    try:
        return TLS(
            root_certificates=ca_file.read_bytes() if ca_file else None,
            certificate_chain=client_certificate.read_bytes() if client_certificate else None,
            private_key=read_secret_file(client_key) if client_key else None,
        )
    except OSError as error:
        raise fail(f"{error.filename} can't be read: {error.strerror}", USAGE) from error
