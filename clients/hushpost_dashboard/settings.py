"""Settings of the dashboard: command-line options, then the environment, then defaults."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from hushpost_runtime.address_ranges import AddressRangeList
from hushpost_runtime.addresses import ServerAddress, host_and_port, is_loopback
from hushpost_runtime.authority_settings import AuthoritySettings
from hushpost_runtime.connection_drain import DrainSeconds

__all__ = ["Settings"]


class Settings(AuthoritySettings):
    """Settings of `hushpost dashboard`.

    The environment variables are `HUSHPOST_DASHBOARD_<NAME>`, except for
    `HUSHPOST_AUTHORITY`, which all commands share.
    """

    model_config = SettingsConfigDict(env_prefix="HUSHPOST_DASHBOARD_", frozen=True, extra="ignore")

    listen: ServerAddress = Field(
        "127.0.0.1:8081", description="Address to serve HTTP on, host:port."
    )
    session_key_file: Path | None = Field(
        None,
        description="File with the key that encrypts session cookies; created if it does not "
        "exist. Default: a new key at each start, which signs everyone out.",
    )
    trusted_proxies: AddressRangeList = Field(
        "",
        description="Address ranges of reverse proxies whose X-Forwarded-For and "
        "X-Forwarded-Proto are trusted, separated by commas.",
    )
    insecure: bool = Field(
        False,  # noqa: FBT003 - a default
        description="Serve HTTP without TLS on an address that other machines can reach, and "
        "without a trusted proxy.",
    )
    drain_seconds: DrainSeconds = 5.0
    log_level: str = Field(
        "info",
        pattern="^(debug|info|warning|error)$",
        description="debug, info, warning or error.",
    )

    @model_validator(mode="after")
    def _check_encryption(self) -> Self:
        host = host_and_port(self.listen)[0]
        if not (is_loopback(host) or self.trusted_proxies or self.insecure):
            raise ValueError(
                f"other machines can reach {self.listen}, so API keys would be sent without "
                "encryption: name the reverse proxy that adds TLS with --trusted-proxies, or "
                "use --insecure"
            )
        return self
