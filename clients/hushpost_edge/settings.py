"""Settings of the edge: command-line options, then the environment, then defaults."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from hushpost_runtime.address_ranges import AddressRangeList
from hushpost_runtime.addresses import ServerAddress
from hushpost_runtime.authority_settings import AuthoritySettings
from hushpost_runtime.connection_drain import DrainSeconds
from hushpost_runtime.secret_file import read_secret_file
from hushpost_runtime.settings import SettingsError

__all__ = ["Settings"]

_GIB = 1 << 30
_MIB = 1 << 20


class Settings(AuthoritySettings):
    """Settings of `hushpost edge`.

    The environment variables are `HUSHPOST_EDGE_<NAME>`, except for
    `HUSHPOST_AUTHORITY`, which all commands share.
    """

    model_config = SettingsConfigDict(env_prefix="HUSHPOST_EDGE_", frozen=True, extra="ignore")

    listen: ServerAddress = Field(
        "127.0.0.1:8080", description="Address to serve HTTP on, host:port."
    )
    api_key_file: Path | None = Field(None, description="File with an API key of role EDGE.")
    api_key: SecretStr | None = Field(
        None,
        description="The API key itself. Environment only, because options are visible to "
        "other users of the machine.",
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
    trusted_proxies: AddressRangeList = Field(
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
    verdicts: str = Field(
        "enforce",
        pattern="^(enforce|shadow)$",
        description="enforce, or shadow: rules that are new in this version only count the events "
        "whose verdict they would change.",
    )
    repeat_window_seconds: float = Field(
        3600.0,
        ge=0,
        le=86_400,
        description="How long a client's opens and clicks of the same link count once in mode "
        "AGGREGATE; 0: they always count.",
    )
    ask_listen: ServerAddress | None = Field(
        None,
        description="Address, host:port, where a reverse proxy asks over HTTP whether to request "
        "a certificate for a domain. Keep it internal. Default: none.",
    )
    apple_app_site_association: Path | None = Field(
        None,
        description="JSON file that lets Apple's devices open links of this domain in an app.",
    )
    assetlinks: Path | None = Field(
        None,
        description="JSON file that lets Android open links of this domain in an app.",
    )
    drain_seconds: DrainSeconds = 5.0
    log_level: str = Field(
        "info",
        pattern="^(debug|info|warning|error)$",
        description="debug, info, warning or error.",
    )

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
