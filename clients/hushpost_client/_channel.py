"""The options of a channel: encryption, keepalive, message size."""

import ipaddress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import grpc

__all__ = ["TLS", "channel_credentials", "channel_options"]

_KEEPALIVE_MS = 60_000
_KEEPALIVE_TIMEOUT_MS = 20_000
_INITIAL_RECONNECT_MS = 100
_MAX_RECONNECT_MS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TLS:
    """The certificates of an encrypted connection, PEM encoded.

    Attributes:
        root_certificates: The certificate authorities to trust; None for gRPC's
            default list.
        certificate_chain: A client certificate, if the server requires one.
        private_key: The private key of the client certificate.
    """

    root_certificates: bytes | None = None
    certificate_chain: bytes | None = None
    private_key: bytes | None = field(default=None, repr=False)


def channel_credentials(target: str, *, tls: TLS | bool | None) -> grpc.ChannelCredentials | None:
    """Return the TLS credentials of a channel; None for an unencrypted connection."""
    if tls is None:
        tls = not _is_loopback(target)
    if tls is False:
        return None
    certificates = TLS() if tls is True else tls
    return grpc.ssl_channel_credentials(
        certificates.root_certificates, certificates.private_key, certificates.certificate_chain
    )


def channel_options() -> list[tuple[str, str | int]]:
    """Return gRPC's channel arguments."""
    return [
        # Detects a dead peer within 80 seconds, even while a stream is silent; that
        # is below the idle timeouts of common load balancers.
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        # The defaults are one second and two minutes, too long to notice the end of an
        # outage: calls fail until the channel tries to connect again.
        ("grpc.initial_reconnect_backoff_ms", _INITIAL_RECONNECT_MS),
        ("grpc.max_reconnect_backoff_ms", _MAX_RECONNECT_MS),
        # Uses all authorities that a name leads to, and not only the first that answers.
        ("grpc.lb_policy_name", "round_robin"),
        # A campaign may have 10,000 links of 8,192 bytes, more than gRPC's default of
        # 4 MiB. The authority limits the size of its responses itself.
        ("grpc.max_receive_message_length", -1),
        ("grpc.primary_user_agent", f"hushpost-client/{_version()}"),
    ]


def _is_loopback(target: str) -> bool:
    """Whether a target never leaves this machine. In doubt no, so that the call is encrypted."""
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    host = target.rpartition(":")[0].strip("[]") or target
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _version() -> str:
    try:
        return version("hushpost")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "0"
