"""The settings of servers that call the authority: its address, and how to encrypt."""

from pathlib import Path
from typing import NamedTuple, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

from hushpost_runtime.secret_file import read_secret_file

__all__ = ["AuthoritySettings", "Certificates"]


class Certificates(NamedTuple):
    """The contents of the PEM files; the arguments of `hushpost_client.TLS`."""

    root_certificates: bytes | None
    certificate_chain: bytes | None
    private_key: bytes | None


class AuthoritySettings(BaseSettings):
    """The part of a server's settings that describes the connection to the authority."""

    authority: str = Field(
        "127.0.0.1:50051",
        validation_alias="HUSHPOST_AUTHORITY",
        description="Address of the authority, host:port or unix:/path.",
    )
    tls: bool | None = Field(
        None,
        description="Whether to use TLS for the connection to the authority. Default: yes, "
        "unless its address is a loopback address or a Unix socket.",
    )
    ca_file: Path | None = Field(
        None,
        description="PEM file with the root certificates to trust. Default: those of gRPC.",
    )
    client_certificate: Path | None = Field(
        None,
        description="PEM file with the certificate chain to present to the authority.",
    )
    client_key: Path | None = Field(
        None, description="PEM file with the private key of the client certificate."
    )

    @model_validator(mode="after")
    def _check_certificates(self) -> Self:
        if (self.client_certificate is None) is not (self.client_key is None):
            raise ValueError("client_certificate and client_key must be given together")
        if self.tls is False and (self.ca_file or self.client_certificate):
            raise ValueError("no-tls contradicts ca_file and client_certificate")
        return self

    def read_certificates(self) -> Certificates | None:
        """Return the contents of the PEM files; None if there are none. Raises OSError."""
        if self.ca_file is None and self.client_certificate is None:
            return None
        return Certificates(
            root_certificates=self.ca_file.read_bytes() if self.ca_file else None,
            certificate_chain=self.client_certificate.read_bytes()
            if self.client_certificate
            else None,
            private_key=read_secret_file(self.client_key) if self.client_key else None,
        )
