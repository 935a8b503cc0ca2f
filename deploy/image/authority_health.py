"""The health check of the authority's image: exits with 0 if the authority serves calls.

Asks the gRPC health service at the address in HUSHPOST_LISTEN. With TLS it trusts the certificate in
HUSHPOST_TLS_CERTIFICATE, under the name that is in it: the check comes from the same container.
"""

import os
import sys
from pathlib import Path

import grpc
from cryptography import x509
from grpc_health.v1 import health_pb2

_SECONDS = 4
_EVERYWHERE = {"0.0.0.0", "[::]", ""}  # noqa: S104 - compared with, not listened on


def main() -> int:
    """Return the exit code."""
    request = health_pb2.HealthCheckRequest()
    try:
        with _channel(_address(os.environ["HUSHPOST_LISTEN"])) as channel:
            check = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
                response_deserializer=health_pb2.HealthCheckResponse.FromString,
            )
            response = check(request, timeout=_SECONDS)
    except grpc.RpcError as error:
        print(error.code().name, file=sys.stderr)  # noqa: T201 - "docker inspect" shows it
        return 1
    print(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))  # noqa: T201
    return 0 if response.status == health_pb2.HealthCheckResponse.SERVING else 1


def _address(listen: str) -> str:
    host, _, port = listen.rpartition(":")
    return f"{'127.0.0.1' if host in _EVERYWHERE else host}:{port}"


def _channel(address: str) -> grpc.Channel:
    certificate = os.environ.get("HUSHPOST_TLS_CERTIFICATE")
    if certificate is None:
        return grpc.insecure_channel(address)
    chain = Path(certificate).read_bytes()
    name = ("grpc.ssl_target_name_override", _name(x509.load_pem_x509_certificate(chain)))
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(chain), [name])


def _name(certificate: x509.Certificate) -> str:
    """Return a name or an address for which a certificate is valid."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = [
        *names.get_values_for_type(x509.DNSName),
        *map(str, names.get_values_for_type(x509.IPAddress)),
    ]
    return hosts[0]


if __name__ == "__main__":
    sys.exit(main())
