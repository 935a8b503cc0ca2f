"""The connection: address, encryption, keepalive."""

from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import grpc
from grpc.aio import Channel, insecure_channel, secure_channel

__all__ = ["TLS", "open_channel"]

_KEEPALIVE_MS = 60_000
_MAX_RECONNECT_MS = 5_000
_KEEPALIVE_TIMEOUT_MS = 20_000


@dataclass(frozen=True, slots=True)
class TLS:
    """How to encrypt a connection, where the defaults do not do. All PEM.

    Attributes:
        root_certificates: Whom to trust; None for gRPC's own list.
        certificate_chain: The client's certificate, if the authority asks for one.
        private_key: The key that belongs to it.
    """

    root_certificates: bytes | None = None
    certificate_chain: bytes | None = None
    private_key: bytes | None = field(default=None, repr=False)


def open_channel(target: str, *, tls: TLS | bool) -> Channel:
    """Open a channel. It connects at the first call, and again after a break."""
    if tls is False:
        return insecure_channel(target, _options())
    chosen = TLS() if tls is True else tls
    credentials = grpc.ssl_channel_credentials(
        chosen.root_certificates, chosen.private_key, chosen.certificate_chain
    )
    return secure_channel(target, credentials, _options())


def _options() -> list[tuple[str, str | int]]:
    return [
        # A dead peer is noticed after 80 seconds, below the idle limits of
        # common load balancers, also while a stream of links is silent.
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        # After a long outage a client should not wait two minutes (the default)
        # before it looks again.
        ("grpc.max_reconnect_backoff_ms", _MAX_RECONNECT_MS),
        # A campaign may have 10,000 links of 8,192 bytes: more than gRPC's
        # four megabytes. The authority bounds its answers itself.
        ("grpc.max_receive_message_length", -1),
        ("grpc.primary_user_agent", f"hushpost-client/{_version()}"),
    ]


def _version() -> str:
    try:
        return version("hushpost")
    except PackageNotFoundError:  # run from a source tree
        return "0"
