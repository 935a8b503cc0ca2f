"""Encrypted connections."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from hushpost.v1 import tracking_pb2, tracking_pb2_grpc
from hushpost_client import TLS, Hushpost, UnavailableError
from tests.certificate import self_signed


@pytest.fixture(scope="module")
def certificate() -> tuple[bytes, bytes]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    return self_signed()


@pytest.fixture
async def target(peer: Any, certificate: tuple[bytes, bytes]) -> AsyncIterator[str]:
    """Where the peer listens with TLS."""
    public, private = certificate
    server = grpc.aio.server()
    tracking_pb2_grpc.add_TrackingServiceServicer_to_server(peer, server)
    credentials = grpc.ssl_server_credentials([(private, public)])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


async def test_a_trusted_authority_is_called(
    peer: Any, target: str, certificate: tuple[bytes, bytes]
) -> None:
    """With the authority's root, calls are made over TLS and carry the key."""
    peer.answers(tracking_pb2.ResolveLinkResponse(url="https://example.com/"))
    tls = TLS(root_certificates=certificate[0])
    async with Hushpost.connect(target, api_key="hp_secret", tls=tls) as client:
        assert await client.tracking.resolve_link("t", 1) == "https://example.com/"
    assert peer.metadata[0]["authorization"] == "Bearer hp_secret"


@pytest.mark.parametrize("tls", [True, False])
async def test_a_stranger_never_sees_the_key(peer: Any, target: str, *, tls: bool) -> None:
    """Whom the client does not trust, or who speaks otherwise, gets no call at all."""
    async with Hushpost.connect(target, api_key="hp_secret", tls=tls) as client:
        with pytest.raises(UnavailableError):
            await client.tracking.resolve_link("t", 1, timeout=2)
    assert peer.requests == []
