"""Checks whether the authority can be reached, and what it thinks of the API key."""

import asyncio
import os
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import grpc
import typer

from hushpost_cli._connection import Connection, ConnectionOptions
from hushpost_cli._exit import error_text
from hushpost_cli._options import API_KEY_VARIABLE
from hushpost_client import (
    ErrorReason,
    Hushpost,
    HushpostError,
    InvalidArgumentError,
    PermissionDeniedError,
    RetryPolicy,
    UnauthenticatedError,
)
from hushpost_runtime.addresses import host_and_port, is_loopback, socket_path
from hushpost_runtime.findings import Finding, Level, Runbook, problem, warning, works

__all__ = ["diagnose"]

_AUTHORITY, _TLS, _KEY = "authority", "certificate", "API key"
_SECONDS = 5.0
_WARNING_DAYS = 21
_PROBLEM_DAYS = 3
_HEALTH_CHECK = "/grpc.health.v1.Health/Check"
_SERVING = b"\x08\x01"
"""A HealthCheckResponse with the status SERVING. The stubs need the extra `[service]`."""


def diagnose(options: ConnectionOptions) -> list[Finding]:
    """Check the address, the certificate, the health and the API key."""
    try:
        path = socket_path(options.authority)
        host, port = ("localhost", 0) if path else host_and_port(options.authority)
    except ValueError as error:
        return [problem(_AUTHORITY, f"{options.authority}: {error}.", "Correct --authority.")]
    try:
        _connect(path or (host, port))
    except OSError as error:
        return [
            problem(
                _AUTHORITY,
                f"{options.authority} can't be reached: {error.strerror or error}.",
                "Check that hushpost serve runs, its --listen, and firewalls in between.",
                Runbook.PROCESS_DOWN,
            )
        ]
    findings = [works(_AUTHORITY, f"{options.authority} accepts connections.")]
    has_certificates = options.ca_file or options.client_certificate
    is_encrypted = bool(has_certificates) or (
        not is_loopback(host) if options.tls is None else options.tls
    )
    if is_encrypted and path is None:
        findings.append(_certificate(options, host, port))
    elif not is_loopback(host):
        text = "The connection is not encrypted, so that others can read the API key."
        findings.append(warning(_TLS, text, "Use TLS, unless a proxy encrypts."))
    health = _health(options, is_encrypted=is_encrypted)
    findings.append(health)
    if health.level is Level.OK:
        findings.append(_key(options))
    return findings


def _connect(address: Path | tuple[str, int]) -> None:
    """Connect and disconnect. Raises OSError."""
    if not isinstance(address, Path):
        socket.create_connection(address, _SECONDS).close()
        return
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SECONDS)
        connection.connect(str(address))


def _certificate(options: ConnectionOptions, host: str, port: int) -> Finding:
    """Check that the certificate is valid, and for how long."""
    advice = "Renew the certificate and send SIGHUP to hushpost serve, or correct --ca-file."
    try:
        context = ssl.create_default_context(cafile=options.ca_file)
        context.set_alpn_protocols(["h2"])
        if options.client_certificate and options.client_key:
            context.load_cert_chain(options.client_certificate, options.client_key)
        with (
            socket.create_connection((host, port), _SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            certificate = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return problem(_TLS, f"The certificate is not valid: {error.verify_message}.", advice)
    except OSError as error:  # also all other ssl errors
        text = f"There is no TLS at {options.authority}: {error.strerror or error}."
        return problem(_TLS, text, "Give --no-tls, or serve with --tls-certificate.")
    expiry = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = int((expiry - datetime.now(UTC).timestamp()) / 86_400)
    text = f"The certificate is valid for {days:,} more days."
    if days < _PROBLEM_DAYS:
        return problem(_TLS, text, advice)
    return warning(_TLS, text, advice) if days < _WARNING_DAYS else works(_TLS, text)


def _health(options: ConnectionOptions, *, is_encrypted: bool) -> Finding:
    """Ask the health service, which needs no key."""

    def content(path: Path | None) -> bytes | None:
        return path.read_bytes() if path else None

    try:
        credentials = grpc.ssl_channel_credentials(
            content(options.ca_file),
            content(options.client_key),
            content(options.client_certificate),
        )
        with (
            grpc.secure_channel(options.authority, credentials)
            if is_encrypted
            else grpc.insecure_channel(options.authority)
        ) as channel:
            check: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_HEALTH_CHECK)
            response = check(b"", timeout=_SECONDS)
    except OSError as error:
        text = f"{error.filename} can't be read: {error.strerror}."
        return problem(_AUTHORITY, text, "Correct the path or its mode.")
    except grpc.RpcError as error:
        text = f"It does not respond to gRPC: {error.code().name}."
        advice = "Check that it is an authority, --tls or --no-tls, and proxies in between."
        return problem(_AUTHORITY, text, advice)
    if response == _SERVING:
        return works(_AUTHORITY, "It is ready.")
    text = "It is not ready: its database can't be reached, or it is shutting down."
    advice = "Run hushpost doctor --database on its machine."
    return problem(_AUTHORITY, text, advice, Runbook.DATABASE)


def _key(options: ConnectionOptions) -> Finding:
    if options.api_key_file is None and not os.environ.get(API_KEY_VARIABLE):
        advice = f"Give --api-key-file or set {API_KEY_VARIABLE}."
        return warning(_KEY, "No key was given, so none was checked.", advice)
    try:
        connection = options.read()
    except typer.Exit:
        text = "The key can't be read, for the reason that was printed."
        return problem(_KEY, text, "Correct --api-key-file.")
    return asyncio.run(_role(connection))


async def _role(connection: Connection) -> Finding:
    """Find out the role of the key, by a call that only one role may make."""
    try:
        async with connection.open(retry=RetryPolicy(max_tries=1)) as hushpost:
            return await _accepted(hushpost)
    except UnauthenticatedError as error:
        advice = "Create another one with hushpost keys create."
        return problem(_KEY, f"The key is refused: {error}.", advice, Runbook.API_KEYS)
    except HushpostError as error:
        if error.reason is ErrorReason.CLIENT_CERTIFICATE_REQUIRED:
            advice = "Give --client-certificate and --client-key, and the address of --mtls-listen."
            return problem(_KEY, f"The key is refused: {error}.", advice)
        return problem(_KEY, f"The key can't be checked: {error_text(error)}.", "Try again later.")


async def _accepted(hushpost: Hushpost) -> Finding:
    try:
        tenant = await hushpost.admin.get_tenant(timeout=_SECONDS)
    except PermissionDeniedError as error:
        if error.reason is not ErrorReason.ROLE_NOT_ALLOWED:
            raise
        return works(_KEY, f"The key is valid; its role is {error.metadata.get('role', '?')}.")
    except InvalidArgumentError:
        return works(_KEY, "The key is valid; its role is ADMIN, of the installation.")
    return works(_KEY, f"The key is valid; its role is ADMIN, of {tenant.tenant_id}.")
