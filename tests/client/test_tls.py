"""Encrypted connections."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from hushpost.v1 import tracking_pb2, tracking_pb2_grpc
from hushpost_client import TLS, UnavailableError
from hushpost_client._channel import channel_credentials
from tests.certificate import self_signed


@pytest.fixture(scope="module")
def certificate() -> tuple[bytes, bytes]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    return self_signed()


@pytest.fixture
async def target(server: Any, certificate: tuple[bytes, bytes]) -> AsyncIterator[str]:
    """The address of the scripted server with TLS."""
    public, private = certificate
    tls_server = grpc.aio.server()
    tracking_pb2_grpc.add_TrackingServiceServicer_to_server(server, tls_server)
    credentials = grpc.ssl_server_credentials([(private, public)])
    port = tls_server.add_secure_port("127.0.0.1:0", credentials)
    await tls_server.start()
    yield f"127.0.0.1:{port}"
    await tls_server.stop(None)


async def test_calls_to_a_trusted_server_are_encrypted(
    server: Any, connect: Any, target: str, certificate: tuple[bytes, bytes]
) -> None:
    """A client that trusts the certificate calls the server and sends its API key."""
    server.respond(tracking_pb2.ResolveLinkResponse(url="https://example.com/"))
    tls = TLS(root_certificates=certificate[0])
    async with connect(target, api_key="hp_secret", tls=tls) as client:
        assert await client.tracking.resolve_link("t", 1) == "https://example.com/"
    assert server.metadata[0]["authorization"] == "Bearer hp_secret"


@pytest.mark.parametrize("tls", [True, False])
async def test_an_untrusted_server_gets_no_call(
    server: Any, connect: Any, target: str, *, tls: bool
) -> None:
    """With an untrusted certificate, or TLS on one side only, no call and no key is sent."""
    async with connect(target, api_key="hp_secret", tls=tls) as client:
        with pytest.raises(UnavailableError):
            await client.tracking.resolve_link("t", 1, timeout=2)
    assert server.requests == []


@pytest.mark.parametrize(
    "target",
    [
        "localhost",
        "localhost:50051",
        "LOCALHOST:50051",
        "127.0.0.1:50051",
        "127.8.9.10:50051",
        "[::1]:50051",
        "unix:/run/hushpost.sock",
        "unix-abstract:hushpost",
    ],
)
def test_loopback_targets_are_not_encrypted_by_default(target: str) -> None:
    """Loopback addresses and Unix sockets have no TLS unless tls=True."""
    assert channel_credentials(target, tls=None) is None
    assert channel_credentials(target, tls=True) is not None


@pytest.mark.parametrize(
    "target",
    [
        "hushpost.example.com:50051",
        "localhost.example.com:50051",
        "10.0.0.1:50051",
        "[2001:db8::1]:50051",
        "0.0.0.0:50051",
        "dns:///localhost:50051",
    ],
)
def test_other_targets_are_encrypted_by_default(target: str) -> None:
    """All other targets have TLS unless tls=False."""
    assert channel_credentials(target, tls=None) is not None
    assert channel_credentials(target, tls=False) is None
