"""The service `caddy` of compose.yaml as a process, and requests to it."""

import socket
import ssl
import time
from dataclasses import dataclass
from http.client import HTTPResponse

from tests.deploy.compose_file import mounts, services
from tests.deploy.compose_replay import ComposeReplay
from tests.deploy.dockerfile import ROOT
from tests.forked_process import HUSHPOST

__all__ = ["Response", "caddyfile", "root_certificate", "secure_get", "start_caddy"]

_SECONDS = 30

# Only in tests: free ports on the loopback address, and no certificate authority is asked.
_OPTIONS = """{{
	http_port {http}
	https_port {https}
	default_bind 127.0.0.1
	admin off
	local_certs
"""


@dataclass(frozen=True)
class Response:
    """A response: its status and its headers, with names in lower case."""

    status: int
    headers: dict[str, str]


def caddyfile() -> str:
    """Return the configuration of Caddy."""
    [source] = [
        source
        for target, (source, _) in mounts(services()["caddy"]).items()
        if target == "/etc/caddy/Caddyfile"
    ]
    return (ROOT / source).read_text("utf-8")


def start_caddy(replay: ComposeReplay) -> None:
    """Start Caddy; wait until its health check succeeds and it has the certificates of its names."""
    options = _OPTIONS.format(http=replay.port("caddy", 80), https=replay.port("caddy", 443))
    before, _, after = replay.here("caddy", caddyfile()).partition("\n{\n")
    config = replay.folder / "Caddyfile"
    config.write_text(f"{before}\n{options}{after}", "utf-8")
    storage = {"XDG_DATA_HOME": str(replay.volume("caddy-data")), "HOME": str(replay.folder)}
    command = [str(HUSHPOST.with_name("caddy")), "run", "--config", str(config)]
    command += ["--adapter", "caddyfile"]
    replay.start_command("caddy", command, storage)
    deadline = time.monotonic() + _SECONDS
    hosts = [value for name, value in services()["caddy"]["environment"].items() if "_HOST" in name]
    while not (
        _answers(replay.port("caddy", 8083))
        and all(_has_certificate(replay, each) for each in hosts)
    ):
        assert time.monotonic() < deadline, replay.log("caddy")
        time.sleep(0.05)


def root_certificate(replay: ComposeReplay) -> bytes:
    """Return the certificate of Caddy's own certificate authority."""
    return (replay.volume("caddy-data") / "caddy/pki/authorities/local/root.crt").read_bytes()


def secure_get(replay: ComposeReplay, host: str, path: str) -> Response:
    """Send a GET request to a host over TLS, and return the response.

    Raises ssl.SSLError if Caddy has no certificate for the host.
    """
    with _connect(replay, host) as encrypted:
        encrypted.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        response = HTTPResponse(encrypted)
        response.begin()
        return Response(
            response.status, {name.lower(): value for name, value in response.getheaders()}
        )


def _connect(replay: ComposeReplay, host: str) -> ssl.SSLSocket:
    context = ssl.create_default_context(cadata=root_certificate(replay).decode())
    address = "127.0.0.1", replay.port("caddy", 443)
    with socket.create_connection(address, _SECONDS) as connection:
        return context.wrap_socket(connection, server_hostname=host)


def _has_certificate(replay: ComposeReplay, host: str) -> bool:
    try:
        _connect(replay, host).close()
    except (OSError, ssl.SSLError):
        return False
    return True


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            return connection.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False
