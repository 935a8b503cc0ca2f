"""The edge's settings: from options, then the environment, then defaults."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from hushpost_edge.ranges import AddressRanges, RangesError
from hushpost_runtime.settings import SettingsError

__all__ = ["PREFIX", "Settings"]

PREFIX = "HUSHPOST_EDGE_"
_GIB = 1 << 30
_MIB = 1 << 20


def _checked_listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        raise ValueError("an address is host:port, and every worker needs the same port")
    return value


def _checked_ranges(value: str) -> str:
    try:
        AddressRanges(value.split(","))
    except RangesError as error:
        raise ValueError(str(error)) from error
    return value


class Settings(BaseSettings):
    """How `hushpost edge` runs. Each is `HUSHPOST_EDGE_<NAME>` in the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    listen: Annotated[str, AfterValidator(_checked_listen)] = Field(
        "127.0.0.1:8080", description="Address to serve HTTP on."
    )
    authority: str = Field("127.0.0.1:50051", description="Address of the authority.")
    api_key_file: Path | None = Field(None, description="File with an API key of role EDGE.")
    api_key: SecretStr | None = Field(
        None, description="The API key itself; environment only, since processes can be listed."
    )
    tls: bool | None = Field(
        None,
        description="Whether to encrypt towards the authority. Default: unless it is on loopback.",
    )
    ca_file: Path | None = Field(
        None, description="PEM file with the roots to trust. Default: the usual ones."
    )
    data_dir: Path = Field(
        Path(".hushpost-edge"),
        description="Folder of links and of events that are not shipped yet; must outlive "
        "the process.",
    )
    workers: int = Field(1, ge=1, le=64, description="Processes that answer.")
    spool_bytes: int = Field(
        _GIB,
        ge=_MIB,
        description="Bytes of events to keep at most, all workers together; more are refused.",
    )
    trusted_proxies: Annotated[str, AfterValidator(_checked_ranges)] = Field(
        "",
        description="Address ranges, separated by commas, whose X-Forwarded-For is believed.",
    )
    proxy_ranges: Path | None = Field(
        None, description="File with the address ranges of image proxies: opens are PROXY."
    )
    prefetch_ranges: Path | None = Field(
        None,
        description="File with address ranges that fetch unread mail's images, such as Apple's "
        "egress ranges: opens are PREFETCH.",
    )
    scanner_ranges: Path | None = Field(
        None, description="File with the address ranges of mail gateways: all is SCANNER."
    )
    trap_link: int | None = Field(
        None,
        ge=1,
        description="Number of a link that no reader sees: who follows it is a SCANNER.",
    )
    log_level: str = Field(
        "info",
        pattern="^(debug|info|warning|error)$",
        description="debug, info, warning, error.",
    )

    @classmethod
    def read(cls, **given: Any) -> Self:
        """Read the settings; what is not given comes from the environment."""
        return cls(**given)

    @property
    def host(self) -> str:
        """The host to listen on."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port to listen on."""
        return int(self.listen.rpartition(":")[2])

    @property
    def links_file(self) -> Path:
        """Where links are kept."""
        return self.data_dir / "links.sqlite"

    @property
    def spool_dir(self) -> Path:
        """Where events are kept."""
        return self.data_dir / "spool"

    @property
    def metrics_dir(self) -> Path:
        """Where the processes leave their numbers for each other."""
        return self.data_dir / "metrics"

    @property
    def is_encrypted(self) -> bool:
        """Whether calls to the authority are encrypted."""
        return not _is_loopback(self.authority) if self.tls is None else self.tls

    def read_api_key(self) -> str:
        """Return the API key. Raises SettingsError, OSError."""
        if self.api_key_file is not None:
            key = self.api_key_file.read_text("utf-8", errors="replace").strip()
        elif self.api_key is not None:
            key = self.api_key.get_secret_value().strip()
        else:
            raise SettingsError(f"no API key: give --api-key-file or set {PREFIX}API_KEY")
        if not (key and key.isascii() and key.isprintable()):
            raise SettingsError("the API key is empty or holds characters that no key has")
        return key


def _is_loopback(target: str) -> bool:
    host = target.rpartition(":")[0].strip("[]") or target
    if host == "localhost" or target.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
