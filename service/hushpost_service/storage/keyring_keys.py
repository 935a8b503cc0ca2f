"""Queries about the keys of the keyring that the database knows, by fingerprint."""

from collections.abc import Mapping

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import keyring_keys as sql

__all__ = [
    "application_name",
    "fingerprints",
    "insert_fingerprints",
    "lock_fingerprints",
    "lowest_known_key",
]

_KEYRING_LOCK = 0x4855_534B
"""Advisory lock that serializes the registration of keys ("HUSK")."""


def application_name(highest_key: int) -> str:
    """Return the name of an authority's sessions, by which `lowest_known_key` finds them."""
    return f"hushpost key {highest_key}"


async def fingerprints(connection: Connection) -> dict[int, bytes]:
    """Return the registered fingerprints by key id."""
    return dict(map(tuple, await connection.fetch(sql.FINGERPRINTS)))


async def lock_fingerprints(connection: Connection) -> dict[int, bytes]:
    """Return the registered fingerprints by key id; others that call this wait for the commit."""
    await connection.execute(sql.LOCK_KEYRING.format(lock=_KEYRING_LOCK))
    return await fingerprints(connection)


async def insert_fingerprints(connection: Connection, fingerprints: Mapping[int, bytes]) -> None:
    """Register keys."""
    await connection.execute(
        sql.INSERT_FINGERPRINTS, list(fingerprints), list(fingerprints.values())
    )


async def lowest_known_key(connection: Connection) -> int | None:
    """Return the highest key id that every running authority knows; None if none is running."""
    key_id: int | None = await connection.fetchval(sql.LOWEST_KNOWN_KEY)
    return key_id
