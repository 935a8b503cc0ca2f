"""The gRPC server: all services with their interceptors, health checks and reflection."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from hushpost.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    campaign_pb2,
    campaign_pb2_grpc,
    domain_pb2,
    domain_pb2_grpc,
    preference_pb2,
    preference_pb2_grpc,
    stats_pb2,
    stats_pb2_grpc,
    tracking_pb2,
    tracking_pb2_grpc,
)
from hushpost_runtime.addresses import socket_path
from hushpost_service.admin.auth import Authenticator
from hushpost_service.admin.service import Admin
from hushpost_service.admin.tracking_domains import TrackingDomains
from hushpost_service.campaigns.issuing import TokenIssuer
from hushpost_service.campaigns.preview import ModePreview
from hushpost_service.campaigns.service import Campaigns
from hushpost_service.domain.roles import Role
from hushpost_service.graceful_shutdown import GracefulShutdown
from hushpost_service.preferences.erasing import ContactEraser
from hushpost_service.preferences.reading import PreferenceReader
from hushpost_service.preferences.setting import PreferenceSetter
from hushpost_service.rpc.call_acceptor import CallServer
from hushpost_service.rpc.certificates import Certificates
from hushpost_service.rpc.health import Health
from hushpost_service.rpc.interceptors import (
    AdmissionInterceptor,
    AuthenticationInterceptor,
    ClientCertificateInterceptor,
    DeadlineInterceptor,
    ErrorInterceptor,
    Interceptor,
    MetricsInterceptor,
    TracingInterceptor,
)
from hushpost_service.rpc.load_shedding import RECORDING, ConcurrencyLimits
from hushpost_service.rpc.overload_refusal import OverloadRefusal
from hushpost_service.rpc.receiving import BATCH_BYTES, RequestReader
from hushpost_service.rpc.registration import InterceptedServer
from hushpost_service.rpc.servicers.admin import AdminServicer
from hushpost_service.rpc.servicers.campaign import CampaignServicer
from hushpost_service.rpc.servicers.domain import DomainServicer
from hushpost_service.rpc.servicers.preference import PreferenceServicer
from hushpost_service.rpc.servicers.stats import StatsServicer
from hushpost_service.rpc.servicers.tracking import TrackingServicer
from hushpost_service.rpc.transport import Transport
from hushpost_service.rpc.unix_socket import free_path
from hushpost_service.settings import Settings
from hushpost_service.stats.service import Stats
from hushpost_service.tokens.spool_keys import SpoolKeys
from hushpost_service.tracking.ingest import Ingest

if TYPE_CHECKING:
    from hushpost_runtime.traces import Traces

__all__ = ["AddressError", "Services", "health_servers", "server"]

_RECORD_EVENTS = "/hushpost.v1.TrackingService/RecordEvents"

_WAITING_CALLS = 1_000
"""Calls of a method that wait for the event loop; each holds up to 30 KiB."""

_STREAM_WINDOW_BYTES = 1024
"""What a client may send of a request before an interceptor has run. Enough for a single
event; the window grows once the request is being received."""

_OPTIONS = (
    ("grpc.max_receive_message_length", BATCH_BYTES),
    ("grpc.max_send_message_length", BATCH_BYTES),
    # Memory that a caller without a key can take: connections, streams, their windows.
    ("grpc.max_allowed_incoming_connections", 5_000),
    ("grpc.max_concurrent_streams", 1_000),
    # It would reject calls of a burst that keeps to the limit of streams, with REFUSED_STREAM.
    ("grpc.http.overload_protection", 0),
    # The probe would let the window grow.
    ("grpc.http2.lookahead_bytes", _STREAM_WINDOW_BYTES),
    ("grpc.http2.bdp_probe", 0),
    # A frame keeps the whole chunk that was read with it in memory.
    ("grpc.experimental.tcp_max_read_chunk_size", 16_384),
    # Buffers for reading grow with what arrives; each connection keeps its own.
    ("grpc.experimental.tcp_read_chunk_size", 1_024),
    ("grpc.experimental.tcp_min_read_chunk_size", 1_024),
    ("grpc.server_handshake_timeout_ms", 10_000),
    # A compressed request can be a thousand times its size in memory.
    ("grpc.compression_enabled_algorithms_bitset", 1),
    # From 1,000 waiting calls of a method on, gRPC would end calls as CANCELLED, which
    # clients do not retry. Load shedding rejects them as RESOURCE_EXHAUSTED instead.
    ("grpc.server.max_pending_requests", _WAITING_CALLS),
    ("grpc.server.max_pending_requests_hard_limit", _WAITING_CALLS * 3 // 2),
    # End connections whose client is gone, and those from which `admin/tarpit.py` receives nothing.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 60_000),
    # Allow clients to send keepalive pings on idle connections.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)


class AddressError(Exception):
    """The server cannot listen on the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the servicers and interceptors call."""

    authenticator: Authenticator
    limits: ConcurrencyLimits
    ingest: Ingest
    campaigns: Campaigns
    token_issuer: TokenIssuer
    mode_preview: ModePreview
    preference_setter: PreferenceSetter
    preference_reader: PreferenceReader
    contact_eraser: ContactEraser
    stats: Stats
    admin: Admin
    tracking_domains: TrackingDomains
    spool_keys: SpoolKeys
    shutdown: GracefulShutdown


def server(
    services: Services,
    settings: Settings,
    certificates: Certificates | None,
    traces: "Traces | None" = None,
    *,
    shares_addresses: bool,
) -> tuple[Transport, Health, str]:
    """Build the server; return it with its health service and address. Raises AddressError."""
    age = ("grpc.max_connection_age_ms", round(settings.max_connection_seconds * 1000))
    grpcio = CallServer((*_OPTIONS, age, _sharing(shares_addresses)))
    built = _native(grpcio, shares_addresses) if settings.transport == "native" else grpcio
    servicers: dict[ServiceDescriptor, tuple[object, Callable[..., None]]] = {
        tracking_pb2.DESCRIPTOR.services_by_name["TrackingService"]: (
            TrackingServicer(
                services.ingest,
                services.campaigns,
                services.spool_keys,
                services.limits.events,
                services.shutdown,
            ),
            tracking_pb2_grpc.add_TrackingServiceServicer_to_server,
        ),
        preference_pb2.DESCRIPTOR.services_by_name["PreferenceService"]: (
            PreferenceServicer(
                services.preference_setter, services.preference_reader, services.contact_eraser
            ),
            preference_pb2_grpc.add_PreferenceServiceServicer_to_server,
        ),
        campaign_pb2.DESCRIPTOR.services_by_name["CampaignService"]: (
            CampaignServicer(services.campaigns, services.token_issuer, services.mode_preview),
            campaign_pb2_grpc.add_CampaignServiceServicer_to_server,
        ),
        stats_pb2.DESCRIPTOR.services_by_name["StatsService"]: (
            StatsServicer(services.stats, services.shutdown),
            stats_pb2_grpc.add_StatsServiceServicer_to_server,
        ),
        admin_pb2.DESCRIPTOR.services_by_name["AdminService"]: (
            AdminServicer(services.admin, services.authenticator),
            admin_pb2_grpc.add_AdminServiceServicer_to_server,
        ),
        domain_pb2.DESCRIPTOR.services_by_name["DomainService"]: (
            DomainServicer(services.tracking_domains, services.admin),
            domain_pb2_grpc.add_DomainServiceServicer_to_server,
        ),
    }
    limits = services.limits
    authentication = AuthenticationInterceptor(services.authenticator)
    client_certificates = ClientCertificateInterceptor(_mtls_roles(settings))
    admission = AdmissionInterceptor(services.shutdown, limits)
    registrar = InterceptedServer(
        built,
        interceptors=(
            ErrorInterceptor(),
            MetricsInterceptor(),
            DeadlineInterceptor(),
            # Before admission: refused calls are held back, and must not count.
            authentication,
            client_certificates,
            *_tracing(traces, about_events=False),
        ),
        admission=admission,
        reader=RequestReader(),
        received=next(iter(_tracing(traces, about_events=True)), None),
        frequent=RECORDING,
    )
    for servicer, add in servicers.values():
        add(servicer, registrar)
    # Both transports receive batches by gRPC's server.
    grpcio.refuse_early(
        _RECORD_EVENTS,
        OverloadRefusal("RecordEvents", authentication, client_certificates, admission),
    )
    names = tuple(descriptor.full_name for descriptor in servicers)
    reflected = (*names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name)
    add_reflection: Callable[..., None] = reflection_pb2_grpc.add_ServerReflectionServicer_to_server
    add_reflection(
        reflection.aio.ReflectionServicer((*reflected, reflection.SERVICE_NAME)), registrar
    )
    health = Health(names)
    health.add_to(built)
    if certificates is not None:
        return grpcio, health, _bind_encrypted(grpcio, settings, certificates)
    return built, health, _bind(settings.listen, built.add_insecure_port)


def health_servers(
    health: Health, settings: Settings, *, shares_addresses: bool
) -> list[Transport]:
    """Build the server of `health_listen`, if any. Raises AddressError."""
    if settings.health_listen is None:
        return []
    built = CallServer((*_OPTIONS, _sharing(shares_addresses)))
    health.add_to(built)
    _bind(settings.health_listen, built.add_insecure_port)
    return [built]


def _tracing(traces: "Traces | None", *, about_events: bool) -> tuple[Interceptor, ...]:
    return () if traces is None else (TracingInterceptor(traces, about_events=about_events),)


def _mtls_roles(settings: Settings) -> frozenset[Role]:
    """Return the roles whose keys need a client certificate."""
    if settings.mtls_listen is None:
        return frozenset()
    return frozenset(Role[name] for name in settings.mtls_roles.split(",") if name)


def _sharing(shares_addresses: bool) -> tuple[str, int]:  # noqa: FBT001 - private
    """Return the option that decides whether other processes may listen on the same address.

    Unless they are workers of one authority, a second one must fail to start instead of sharing
    its calls.
    """
    return "grpc.so_reuseport", int(shares_addresses)


def _native(others: CallServer, shares_addresses: bool) -> Transport:  # noqa: FBT001 - private
    # Another module, because it needs an extra.
    from hushpost_service.rpc.native_server import NativeServer  # noqa: PLC0415 - see above

    return NativeServer(others, shares_addresses=shares_addresses)


def _bind_encrypted(built: CallServer, settings: Settings, certificates: Certificates) -> str:
    """Listen on the addresses; return the first one. Raises AddressError."""

    def bind(address: str, *, require_client: bool) -> str:
        credentials = certificates.credentials(require_client=require_client)
        return _bind(address, lambda it: built.add_secure_port(it, credentials))

    if settings.mtls_listen is not None:
        bind(settings.mtls_listen, require_client=True)
    return bind(settings.listen, require_client=False)


def _bind(address: str, add: Callable[[str], int]) -> str:
    """Listen on an address; return it, with its port if it has one. Raises AddressError."""
    path = socket_path(address)
    try:
        if path is not None:
            free_path(path)
        port = add(address)
    except (RuntimeError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise AddressError(f"cannot listen on {address}: {reason}") from None
    return address if path is not None else f"{address.rpartition(':')[0]}:{port}"
