"""The settings of `hushpost serve`: from options, then the environment, then defaults."""

from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hushpost_runtime.addresses import (
    GrpcAddress,
    ListenAddress,
    ServerAddress,
    host_and_port,
    is_loopback,
    socket_path,
)
from hushpost_runtime.settings import SettingsError
from hushpost_service.cpu_affinity import usable_cpus

__all__ = ["Settings"]


class Settings(BaseSettings):
    """The settings of the service. Each is also the environment variable `HUSHPOST_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="HUSHPOST_", frozen=True, extra="ignore")

    listen: GrpcAddress = Field(
        "127.0.0.1:50051",
        description="Address to serve gRPC on: host:port, or unix:/path for a Unix socket. Port 0 "
        "picks a free port.",
    )
    transport: Literal["grpcio", "native"] = Field(
        "grpcio",
        description="What serves gRPC: grpcio, or native, which spends less CPU time on single "
        "calls, but has no TLS and must be reachable by trusted clients only.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL 15 or later: postgresql://user@host/database. "
        "Default: an embedded PostgreSQL in --data-dir.",
    )
    data_dir: Path = Field(
        Path(".hushpost"),
        description="Folder of the embedded database and the keyring.",
    )
    keyring: Path | None = Field(
        None,
        description="File with the token keys. Default: keyring.json in --data-dir.",
    )
    migrate: bool = Field(
        default=True,
        description="Migrate the schema of the database at the start. If not, an older schema is "
        "an error: hushpost migrate does it.",
    )
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes that serve the addresses together. Limits and connections are per "
        "worker, and worker n (from 0) serves metrics on the port of --metrics-listen plus n.",
    )
    connections: int = Field(
        10,
        ge=3,
        le=1000,
        description="Maximum number of database connections, besides 4 for API keys and 1 that "
        "checks the database.",
    )
    max_calls: int = Field(
        1_000,
        ge=1,
        description="Maximum number of concurrent calls: of recording calls, of streams and of "
        "other calls, each. Excess calls are rejected as OVERLOADED.",
    )
    max_queued_events: int = Field(
        20_000,
        ge=1,
        description="Maximum number of events of batches in progress. Excess batches are rejected "
        "as OVERLOADED.",
    )
    max_connection_seconds: float = Field(
        300,
        ge=1,
        le=86_400,
        description="How long a connection is used before its client is asked to open another, so "
        "that clients find authorities that were added. Calls in progress go on.",
    )
    cpu: int | None = Field(
        None,
        description="CPU to pin the process to, numbered from 0 (Linux). Its threads rarely run in "
        "parallel, and a click costs about a fifth less on one CPU. Default: any CPU.",
    )
    max_epsilon: float = Field(
        2.0,
        gt=0,
        le=100,
        description="Greatest privacy budget (epsilon) per contact and campaign that a policy may "
        "set. Lower it to protect contacts more; anonymous counts get more noise.",
    )
    allow_exact: bool = Field(
        default=False,
        description="Allow policies to release anonymous counts exactly (EXACT). This protects "
        "no one: a reader of reports can find out what a single contact did.",
    )
    edge_host: str | None = Field(
        None,
        max_length=253,
        pattern=r"^(?i:[a-z0-9-]{1,63}\.)+(?i:[a-z0-9-]{1,63})$",
        description="Host name of the edges, to which CNAME records of tracking domains point. "
        "Default: tenants are not told where to point them.",
    )
    dns_server: ServerAddress | None = Field(
        None,
        description="DNS server to look up TXT records of tracking domains with, address:port. "
        "Default: those of the machine.",
    )
    health_listen: ListenAddress | None = Field(
        None,
        description="A second address, host:port, to serve the gRPC health service on, without "
        "TLS: for the probes of Kubernetes, which have none. Default: none.",
    )
    metrics_listen: ListenAddress | None = Field(
        None,
        description="Address, host:port, to serve Prometheus metrics on over HTTP. "
        "Default: no metrics.",
    )
    metrics_seconds: float = Field(
        30,
        ge=0.1,
        allow_inf_nan=False,
        description="With --metrics-listen: how often the metrics that need the database are read.",
    )
    tls_certificate: Path | None = Field(
        None, description="PEM file with the certificate chain. Default: no TLS."
    )
    tls_key: Path | None = Field(None, description="PEM file with the certificate's private key.")
    tls_client_ca: Path | None = Field(
        None, description="PEM file with the CA certificates that issue client certificates."
    )
    mtls_listen: ListenAddress | None = Field(
        None,
        description="A second address, host:port, to serve gRPC on, for clients with a "
        "certificate. Default: none.",
    )
    mtls_roles: str = Field(
        "EDGE,SENDER",
        pattern="^(|(SENDER|EDGE|REPORTER|ADMIN)(,(SENDER|EDGE|REPORTER|ADMIN))*)$",
        description="With --mtls-listen: roles whose API keys are accepted there only, separated "
        "by commas.",
    )
    insecure: bool = Field(
        default=False,
        description="Serve gRPC without TLS on an address that other machines can reach. For use "
        "behind a proxy that encrypts.",
    )
    shutdown_seconds: float = Field(
        20,
        ge=0,
        description="How long calls in progress may take to finish after SIGTERM.",
    )
    opt_out_step_seconds: float = Field(
        0.1,
        ge=0,
        le=5,
        allow_inf_nan=False,
        description="Anonymizing for an opt-out or erasure takes a multiple of this time, so that "
        "it does not reveal whether the contact had acted. 0: as short as possible.",
    )
    log_level: str = Field(
        "info",
        pattern="^(debug|info|warning|error)$",
        description="debug, info, warning or error.",
    )

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if (self.tls_certificate is None) is not (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key must be given together")
        if (self.mtls_listen is None) is not (self.tls_client_ca is None):
            raise ValueError("mtls_listen and tls_client_ca must be given together")
        if self.mtls_listen is not None and self.tls_certificate is None:
            raise ValueError("mtls_listen needs tls_certificate and tls_key")
        return self

    @model_validator(mode="after")
    def _check_unix_socket(self) -> Self:
        if socket_path(self.listen):
            if self.tls_certificate is not None:
                raise ValueError("listen: a Unix socket has no TLS: leave out tls_certificate")
            if self.workers > 1:
                raise ValueError("listen: workers cannot share a Unix socket: give host:port")
        return self

    @model_validator(mode="after")
    def _check_transport(self) -> Self:
        if self.transport == "native":
            if self.tls_certificate is not None:
                raise ValueError(
                    "transport: native has no TLS: leave out tls_certificate and tls_key, and let "
                    "a proxy on this machine encrypt"
                )
            if find_spec("pygrpc_native") is None:
                raise ValueError(
                    "transport: native is not installed: pip install 'hushpost[native]'"
                )
        return self

    @model_validator(mode="after")
    def _check_cpu(self) -> Self:
        if self.cpu is not None and self.workers > 1:
            raise ValueError("cpu pins one process: leave it out with several workers")
        if self.cpu is not None and self.cpu not in usable_cpus():
            raise ValueError(
                f"cpu must be one of the CPUs that this process may use: {sorted(usable_cpus())}"
            )
        return self

    @field_validator("dns_server")
    @classmethod
    def _check_dns_server(cls, server: str | None) -> str | None:
        if server is not None:
            ip_address(host_and_port(server)[0])
        return server

    def check_encryption(self) -> None:
        """Raise SettingsError if API keys would cross the network in plain text."""
        if socket_path(self.listen):
            return
        host, _ = host_and_port(self.listen)
        if self.tls_certificate is None and not self.insecure and not is_loopback(host):
            remedy = (
                "let a proxy on this machine encrypt, or give --insecure, because the native "
                "transport has no TLS"
                if self.transport == "native"
                else "give --tls-certificate and --tls-key, or --insecure"
            )
            raise SettingsError(
                f"listen: other machines can reach {self.listen}, and without TLS they would send "
                f"API keys in plain text: {remedy}"
            )

    @property
    def keyring_file(self) -> Path:
        """The path of the keyring."""
        return self.keyring or self.data_dir / "keyring.json"
