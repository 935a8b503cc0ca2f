"""`--health-listen` serves the health service without TLS, for probes that have none."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hushpost.v1 import tracking_pb2
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority, TenantKeys
from tests.free_port import free_port
from tests.inspection import database_uri
from tests.wire import Wire

from .test_tls import SERVERS, write_certificate

SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.fixture
def probed(authority: RunningAuthority, tmp_path: Path) -> Iterator[tuple[AuthorityProcess, str]]:
    """An authority with TLS, and its address for probes."""
    write_certificate(tmp_path, SERVERS)
    address = f"127.0.0.1:{free_port()}"
    data_dir = authority.process.data_dir
    with AuthorityProcess(
        tmp_path,
        *("--keyring", str(data_dir / "keyring.json"), "--health-listen", address),
        *("--tls-certificate", str(tmp_path / "chain.pem"), "--tls-key", str(tmp_path / "key.pem")),
        *("--transport", "grpcio"),
        environment={"HUSHPOST_DATABASE_URL": database_uri(data_dir)},
    ) as process:
        yield process, address


@pytest.fixture
async def probe(probed: tuple[AuthorityProcess, str]) -> AsyncIterator[Wire]:
    """A channel without TLS to the address for probes."""
    async with Wire(probed[1]) as wire:
        yield wire


async def test_a_probe_without_tls_gets_the_status(probe: Wire) -> None:
    """The whole server, liveness and each service are SERVING; no key is needed."""
    stub: Any = health_pb2_grpc.HealthStub(probe.channel)
    for service in ("", "liveness", "hushpost.v1.TrackingService"):
        response = await stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert response.status == SERVING


async def test_nothing_else_is_served_to_probes(probe: Wire, tenant: TenantKeys) -> None:
    """Calls of other services are UNIMPLEMENTED: API keys must not be sent without TLS."""
    refusal = await probe.refusal(
        "RecordOpen", tracking_pb2.RecordOpenRequest(token="t"), tenant.edge_key
    )
    assert refusal.code is grpc.StatusCode.UNIMPLEMENTED


async def test_probes_end_with_the_authority(probed: tuple[AuthorityProcess, str]) -> None:
    """After SIGTERM nothing listens on either address, and the exit code is 0."""
    process, address = probed
    assert process.stop() == 0
    async with Wire(address) as wire:
        stub: Any = health_pb2_grpc.HealthStub(wire.channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Check(health_pb2.HealthCheckRequest())
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
