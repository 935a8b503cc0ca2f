"""Settings of the edge: command-line options, then the environment, then defaults."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hushpost_edge.address_ranges import AddressRanges, AddressRangesError
from hushpost_runtime.addresses import ListenAddress, host_and_port
from hushpost_runtime.secret_file import read_secret_file
from hushpost_runtime.settings import SettingsError

__all__ = ["Settings"]

_GIB = 1 << 30
_MIB = 1 << 20


def _checked_port(value: str) -> str:
    # Each worker would listen on another free port.
    if host_and_port(value)[1] == 0:
        raise ValueError("must be host:port with a port from 1 to 65535")
    return value


def _checked_ranges(value: str) -> str:
    try:
        AddressRanges(value.split(","))
    except AddressRangesError as error:
        raise ValueError(str(error)) from error
    return value


class Settings(BaseSettings):
    """Settings of `hushpost edge`.

    The environment variables are `HUSHPOST_EDGE_<NAME>`, except for
    `HUSHPOST_AUTHORITY`, which all commands share.
    """

    model_config = SettingsConfigDict(env_prefix="HUSHPOST_EDGE_", frozen=True, extra="ignore")

    listen: Annotated[ListenAddress, AfterValidator(_checked_port)] = Field(
        "127.0.0.1:8080", description="Address to serve HTTP on, host:port."
    )
    authority: str = Field(
        "127.0.0.1:50051",
        validation_alias="HUSHPOST_AUTHORITY",
        description="Address of the authority, host:port.",
    )
    api_key_file: Path | None = Field(None, description="File with an API key of role EDGE.")
    api_key: SecretStr | None = Field(
        None,
        description="The API key itself. Environment only, because options are visible to "
        "other users of the machine.",
    )
    tls: bool | None = Field(
        None,
        description="Whether to use TLS for the connection to the authority. Default: yes, "
        "unless its address is a loopback address.",
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
    data_dir: Path = Field(
        Path(".hushpost-edge"),
        description="Folder for links and for events that have not been shipped yet; must be "
        "persistent.",
    )
    workers: int = Field(1, ge=1, le=64, description="Number of worker processes.")
    spool_bytes: int = Field(
        _GIB,
        ge=_MIB,
        description="Maximum size of the spool of all workers together, in bytes; further "
        "events are dropped.",
    )
    trusted_proxies: Annotated[str, AfterValidator(_checked_ranges)] = Field(
        "",
        description="Address ranges of reverse proxies whose X-Forwarded-For is trusted, "
        "separated by commas.",
    )
    proxy_ranges: Path | None = Field(
        None,
        description="File with the address ranges of image proxies; opens from them are PROXY.",
    )
    prefetch_ranges: Path | None = Field(
        None,
        description="File with address ranges that fetch images of unread mail, such as Apple's "
        "egress ranges; opens from them are PREFETCH.",
    )
    scanner_ranges: Path | None = Field(
        None,
        description="File with the address ranges of mail gateways; all events from them are "
        "SCANNER.",
    )
    trap_link: int | None = Field(
        None,
        ge=1,
        description="Number of a link that is invisible to readers; clicks on it are SCANNER.",
    )
    repeat_window_seconds: float = Field(
        3600.0,
        ge=0,
        le=86_400,
        description="How long a client's opens and clicks of the same link count once in mode "
        "AGGREGATE; 0: they always count.",
    )
    log_level: str = Field(
        "info",
        pattern="^(debug|info|warning|error)$",
        description="debug, info, warning or error.",
    )

    @model_validator(mode="after")
    def _check_certificates(self) -> Self:
        if (self.client_certificate is None) is not (self.client_key is None):
            raise ValueError("client_certificate and client_key must be given together")
        if self.tls is False and (self.ca_file or self.client_certificate):
            raise ValueError("no-tls contradicts ca_file and client_certificate")
        return self

    @property
    def host(self) -> str:
        """The host to listen on."""
        return host_and_port(self.listen)[0]

    @property
    def port(self) -> int:
        """The port to listen on."""
        return host_and_port(self.listen)[1]

    @property
    def links_file(self) -> Path:
        """The SQLite file of the links."""
        return self.data_dir / "links.sqlite"

    @property
    def spool_dir(self) -> Path:
        """The folder of the spool files."""
        return self.data_dir / "spool"

    @property
    def keys_dir(self) -> Path:
        """The folder of the keys of the spool files."""
        return self.data_dir / "keys"

    @property
    def metrics_dir(self) -> Path:
        """The folder through which the processes share their metrics."""
        return self.data_dir / "metrics"

    @property
    def quarantine_bytes(self) -> int:
        """The greatest size of the quarantine of a spool file: half of the file's size."""
        return self.spool_bytes // self.workers // 2

    def read_api_key(self) -> str:
        """Return the API key. Raises SettingsError, OSError."""
        if self.api_key_file is not None:
            key = read_secret_file(self.api_key_file).decode(errors="replace").strip()
        elif self.api_key is not None:
            key = self.api_key.get_secret_value().strip()
        else:
            raise SettingsError("no API key: use --api-key-file or set HUSHPOST_EDGE_API_KEY")
        if not (key and key.isascii() and key.isprintable()):
            raise SettingsError("the API key is empty or has characters that no API key has")
        return key
