"""Metrics that say which versions and which keys of the keyring an authority runs with."""

import platform
from importlib.metadata import version

from prometheus_client import Gauge

from hushpost_service.storage.connection import Connection
from hushpost_service.tokens.keyring import Keyring

__all__ = ["describe_installation"]

_BUILD = Gauge(
    "hushpost_build_info",
    "Versions of Hushpost, Python and PostgreSQL when the authority was started; always 1.",
    ["version", "python", "postgres"],
)
_KEYS = Gauge(
    "hushpost_keyring_key_info",
    "The keys of the keyring, and which one seals new tokens; always 1.",
    ["key_id", "active"],
)


def describe_installation(connection: Connection, keyring: Keyring) -> None:
    """Set the metrics; call it once, at the start."""
    postgres = connection.get_server_version()
    _BUILD.labels(
        version("hushpost"), platform.python_version(), f"{postgres.major}.{postgres.minor}"
    ).set(1)
    for key_id in keyring.secrets:
        _KEYS.labels(key_id, str(key_id == keyring.active).lower()).set(1)
