"""The server's TLS certificates, which are re-read when their files change."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import grpc
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates

from hushpost_runtime.secret_file import read_secret_file
from hushpost_runtime.waiting import wait_for_event
from hushpost_service.settings import Settings

__all__ = ["CertificateError", "Certificates", "certificates_of"]

_log = structlog.get_logger(__name__)

_CHECK_SECONDS = 5.0


class CertificateError(Exception):
    """A certificate or key file cannot be used."""


@dataclass(frozen=True, slots=True)
class _Contents:
    """The contents of the files, PEM encoded."""

    chain: bytes
    key: bytes
    client_ca: bytes | None

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        """Return them as gRPC needs them. Raises CertificateError if they do not fit."""
        try:
            certificate, *_ = load_pem_x509_certificates(self.chain)
            key = load_pem_private_key(self.key, None)
            if self.client_ca is not None:
                load_pem_x509_certificates(self.client_ca)
        except TypeError:
            raise CertificateError("cannot use the TLS key: it is encrypted") from None
        except (ValueError, UnsupportedAlgorithm) as error:
            raise CertificateError(f"cannot use the TLS certificates: {error}") from None
        if key.public_key() != certificate.public_key():
            raise CertificateError("the TLS key does not belong to the TLS certificate")
        return grpc.ssl_server_certificate_configuration([(self.key, self.chain)], self.client_ca)


class Certificates:
    """The certificates of a server, for one or more addresses.

    New connections use the certificates that were read last. Existing ones go on.
    """

    def __init__(self, chain: Path, key: Path, client_ca: Path | None) -> None:
        """Read the files. Raises CertificateError."""
        self._chain, self._key, self._client_ca = chain, key, client_ca
        self._contents = self._read()
        self._current = self._contents.configuration()
        self._reload_requested = asyncio.Event()

    def credentials(self, *, require_client: bool) -> grpc.ServerCredentials:
        """Return gRPC's credentials for an address.

        Args:
            require_client: Whether clients must present a certificate that a client CA
                has issued. gRPC does not ask for one otherwise.
        """
        first = self._current
        # The stubs lack that the function may return None, for no change.
        fetch = cast(Callable[[], grpc.ServerCertificateConfiguration], self._fetcher(first))
        return grpc.dynamic_ssl_server_credentials(first, fetch, require_client)

    def request_reload(self) -> None:
        """Make `watch` read the files now."""
        self._reload_requested.set()

    async def watch(self) -> None:
        """Read the files every few seconds, until cancelled.

        The previous certificates stay in use while the new ones are invalid or incomplete.
        """
        failure = ""
        while True:
            await wait_for_event(self._reload_requested, _CHECK_SECONDS)
            self._reload_requested.clear()
            try:
                await asyncio.to_thread(self._reload)
            except CertificateError as error:
                if str(error) != failure:
                    failure = str(error)
                    _log.warning("TLS certificates not reloaded", cause=failure)

    def _reload(self) -> None:
        """Replace the certificates if the files have changed. Raises CertificateError."""
        contents = self._read()
        if contents != self._contents:
            self._contents = contents
            self._current = contents.configuration()
            _log.info("TLS certificates reloaded")

    def _read(self) -> _Contents:
        try:
            return _Contents(
                self._chain.read_bytes(),
                read_secret_file(self._key),
                self._client_ca.read_bytes() if self._client_ca else None,
            )
        except OSError as error:
            raise CertificateError(f"cannot read {error.filename}: {error.strerror}") from None

    def _fetcher(
        self, used: grpc.ServerCertificateConfiguration
    ) -> Callable[[], grpc.ServerCertificateConfiguration | None]:
        """Return what gRPC calls before each handshake, in a thread of its own."""

        def changed() -> grpc.ServerCertificateConfiguration | None:
            nonlocal used
            if used is self._current:
                return None
            used = self._current
            return used

        return changed


def certificates_of(settings: Settings) -> Certificates | None:
    """Read the certificates that the settings name; None without TLS. Raises CertificateError."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    return Certificates(settings.tls_certificate, settings.tls_key, settings.tls_client_ca)
