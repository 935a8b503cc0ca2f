"""The service's settings: from options, then the environment, then defaults."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hushpost_service.cpu_affinity import usable_cpus

__all__ = ["Settings"]


class Settings(BaseSettings):
    """How `hushpost serve` runs. Each is `HUSHPOST_<NAME>` in the environment."""

    model_config = SettingsConfigDict(env_prefix="HUSHPOST_", frozen=True, extra="ignore")

    listen: str = Field("127.0.0.1:50051", description="Address to serve gRPC on; port 0: any.")
    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL 15 or later: postgresql://user@host/database. "
        "Without it an embedded one is started in --data-dir.",
    )
    data_dir: Path = Field(
        Path(".hushpost"),
        description="Folder of the embedded database and the keyring.",
    )
    keyring: Path | None = Field(
        None,
        description="File with the keys of tokens. Default: keyring.json in --data-dir.",
    )
    connections: int = Field(10, ge=3, le=1000, description="Database connections at most.")
    max_calls: int = Field(
        1_000,
        ge=1,
        description="Recording calls, other calls, and streams, that may be under way at a time; "
        "more are refused.",
    )
    max_queued_events: int = Field(
        20_000,
        ge=1,
        description="Events of batches that may be under way at a time; more are refused.",
    )
    cpu: int | None = Field(
        None,
        description="Processor to stay on, numbered from 0 (Linux). The threads of an authority "
        "take turns anyway; on several processors they get in each other's way. Default: any.",
    )
    metrics_listen: str | None = Field(
        None,
        description="Address to serve Prometheus metrics on over HTTP. Default: nowhere.",
    )
    tls_certificate: Path | None = Field(
        None, description="PEM file with the certificate chain. Default: no TLS."
    )
    tls_key: Path | None = Field(None, description="PEM file with the certificate's key.")
    shutdown_seconds: float = Field(
        20,
        ge=0,
        description="How long calls may finish after SIGTERM before they are ended.",
    )
    log_level: str = Field(
        "info",
        pattern="^(debug|info|warning|error)$",
        description="debug, info, warning, error.",
    )

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate is None) is not (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        return self

    @model_validator(mode="after")
    def _cpu_is_usable(self) -> Self:
        if self.cpu is not None and self.cpu not in usable_cpus():
            raise ValueError("cpu is not a processor that this process may use")
        return self

    @property
    def keyring_file(self) -> Path:
        """Where the keyring is."""
        return self.keyring or self.data_dir / "keyring.json"
