"""The standard gRPC services for health checks and reflection."""

from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.conftest import TenantKeys
from tests.wire import SERVICES, Wire


async def test_every_service_is_healthy(wire: Wire) -> None:
    """The server and each of its services are SERVING; other names are NOT_FOUND."""
    stub: Any = health_pb2_grpc.HealthStub(wire.channel)
    for name in ("", *(service.full_name for service in SERVICES)):
        response = await stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert response.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(health_pb2.HealthCheckRequest(service="hushpost.v1.Nonsense"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_needs_a_key(wire: Wire) -> None:
    """Reflection without a key is rejected, because its requests may be large."""
    channel: Any = wire.channel
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    request: Any = reflection_pb2.ServerReflectionRequest
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in stub.ServerReflectionInfo(iter([request(list_services="")])):
            pass
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_every_service_is_listed_by_reflection(wire: Wire, tenant: TenantKeys) -> None:
    """Reflection lists the services of the protos, health and itself, and describes each RPC."""
    channel: Any = wire.channel  # the stub is typed for synchronous channels
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    request: Any = reflection_pb2.ServerReflectionRequest

    async def reflection(**fields: str) -> Any:
        metadata = (("authorization", f"Bearer {tenant.reporter_key}"),)
        requests = iter([request(**fields)])
        async for response in stub.ServerReflectionInfo(requests, metadata=metadata):
            return response
        raise AssertionError("no response")

    listed = (await reflection(list_services="")).list_services_response.service
    assert {service.name for service in listed} == {
        *(service.full_name for service in SERVICES),
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    for service in SERVICES:
        described = await reflection(file_containing_symbol=service.full_name)
        assert described.file_descriptor_response.file_descriptor_proto
