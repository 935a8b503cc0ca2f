"""The gRPC server: all services behind their guard, with health and reflection."""

from collections.abc import Callable
from dataclasses import dataclass

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from hushpost.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    campaign_pb2,
    campaign_pb2_grpc,
    preference_pb2,
    preference_pb2_grpc,
    stats_pb2,
    stats_pb2_grpc,
    tracking_pb2,
    tracking_pb2_grpc,
)
from hushpost_service.admin import Admin
from hushpost_service.admission import Admission
from hushpost_service.auth import Authenticator
from hushpost_service.campaigns import Campaigns
from hushpost_service.drain import Drain
from hushpost_service.intake import Intake
from hushpost_service.issuing import Issuing
from hushpost_service.preferences import Preferences
from hushpost_service.rpc.admin import AdminServicer
from hushpost_service.rpc.campaign import CampaignServicer
from hushpost_service.rpc.door import Doors
from hushpost_service.rpc.guard import RECORDING, guard, refusing
from hushpost_service.rpc.preference import PreferenceServicer
from hushpost_service.rpc.stats import StatsServicer
from hushpost_service.rpc.tracking import TrackingServicer
from hushpost_service.settings import Settings
from hushpost_service.stats import Stats

__all__ = ["AddressError", "Health", "Services", "server"]

_MESSAGE_BYTES = 16 * 1024 * 1024
"""A batch of 10,000 items of the greatest length is smaller."""

_WAITING_CALLS = 10_000
"""Each holds up to 64 KiB, the window of its stream, before the guard sees it."""

_OPTIONS = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    # gRPC drops calls that wait to be taken as CANCELLED, from 1,000 of a method
    # on, and callers do not repeat that. The guard refuses in a better way.
    ("grpc.server.max_pending_requests", _WAITING_CALLS),
    ("grpc.server.max_pending_requests_hard_limit", 2 * _WAITING_CALLS),
    # A second service on the same port shall fail, not share its calls.
    ("grpc.so_reuseport", 0),
    # Clients may keep idle connections alive.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)


class AddressError(Exception):
    """The address cannot be served on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the RPCs call."""

    authenticator: Authenticator
    admission: Admission
    intake: Intake
    campaigns: Campaigns
    issuing: Issuing
    preferences: Preferences
    stats: Stats
    admin: Admin
    drain: Drain


class Health:
    """The health service, for the whole server and for each service alike."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.servicer = health_aio.HealthServicer()
        self._names = ("", *names)

    async def set_serving(self, *, serving: bool) -> None:
        """Say whether calls can be served."""
        states = health_pb2.HealthCheckResponse
        state = states.SERVING if serving else states.NOT_SERVING
        for name in self._names:
            await self.servicer.set(name, state)


def server(services: Services, settings: Settings) -> tuple[grpc.aio.Server, Health, str]:
    """Build the server; return it with its health and its address. Raises AddressError."""
    built = grpc.aio.server(options=_OPTIONS)
    descriptors: dict[ServiceDescriptor, tuple[object, Callable[..., None]]] = {
        tracking_pb2.DESCRIPTOR.services_by_name["TrackingService"]: (
            TrackingServicer(
                services.intake,
                services.campaigns,
                services.admission.events,
                services.drain,
            ),
            tracking_pb2_grpc.add_TrackingServiceServicer_to_server,
        ),
        preference_pb2.DESCRIPTOR.services_by_name["PreferenceService"]: (
            PreferenceServicer(services.preferences),
            preference_pb2_grpc.add_PreferenceServiceServicer_to_server,
        ),
        campaign_pb2.DESCRIPTOR.services_by_name["CampaignService"]: (
            CampaignServicer(services.campaigns, services.issuing),
            campaign_pb2_grpc.add_CampaignServiceServicer_to_server,
        ),
        stats_pb2.DESCRIPTOR.services_by_name["StatsService"]: (
            StatsServicer(services.stats),
            stats_pb2_grpc.add_StatsServiceServicer_to_server,
        ),
        admin_pb2.DESCRIPTOR.services_by_name["AdminService"]: (
            AdminServicer(services.admin, services.authenticator),
            admin_pb2_grpc.add_AdminServiceServicer_to_server,
        ),
    }
    rooms = services.admission.recording, services.admission.events
    doors = Doors(built, RECORDING, {"RecordEvents": (rooms, refusing("RecordEvents", rooms))})
    for descriptor, (servicer, add) in descriptors.items():
        guard(
            servicer,
            tuple(descriptor.methods_by_name),
            services.authenticator,
            services.admission,
            services.drain,
        )
        add(servicer, doors)
    names = tuple(descriptor.full_name for descriptor in descriptors)
    health = Health(names)
    _add_health_and_reflection(doors, health, names)
    return built, health, _bind(built, settings)


def _add_health_and_reflection(doors: Doors, health: Health, names: tuple[str, ...]) -> None:
    health_name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
    mirror = reflection.aio.ReflectionServicer((*names, health_name, reflection.SERVICE_NAME))
    added: tuple[tuple[object, Callable[..., None]], ...] = (
        (health.servicer, health_pb2_grpc.add_HealthServicer_to_server),
        (mirror, reflection_pb2_grpc.add_ServerReflectionServicer_to_server),
    )
    for servicer, add in added:
        add(servicer, doors)


def _bind(built: grpc.aio.Server, settings: Settings) -> str:
    host, _, _ = settings.listen.rpartition(":")
    try:
        if settings.tls_certificate and settings.tls_key:
            pair = (
                settings.tls_key.read_bytes(),
                settings.tls_certificate.read_bytes(),
            )
            port = built.add_secure_port(settings.listen, grpc.ssl_server_credentials([pair]))
        else:
            port = built.add_insecure_port(settings.listen)
    except (RuntimeError, OSError) as error:
        raise AddressError(f"cannot serve on {settings.listen}: {error}") from None
    return f"{host}:{port}"
