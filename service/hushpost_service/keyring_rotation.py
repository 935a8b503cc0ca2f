"""Adds a key to the keyring, and makes it the one that seals new tokens: two steps of a rotation.

An authority opens tokens of every key that it has. If a new key sealed tokens before all
authorities had it, those without it would reject the tokens. So a key is added first, then
every authority gets the file and is restarted, then the key is activated.
"""

from pathlib import Path

from hushpost_service.settings import Settings
from hushpost_service.startup import opened_database, opened_keyring
from hushpost_service.storage.keyring_keys import lowest_known_key
from hushpost_service.tokens.keyring import Keyring, KeyringError

__all__ = ["activate_key", "add_key", "described_keyring"]


def add_key(path: Path) -> int:
    """Add a key to the file that does not seal tokens yet; return its id. Raises KeyringError."""
    keyring = Keyring.load(path).with_new_key()
    keyring.save(path)
    return keyring.highest


async def activate_key(settings: Settings, key_id: int | None) -> int:
    """Make a key, by default the newest, seal new tokens; return its id.

    Raises:
        KeyringError: The keyring lacks the key or is not that of the database, or an
            authority that is running does not know the key.
    """
    path = settings.keyring_file
    async with opened_database(settings) as opened:
        keyring = await opened_keyring(settings, opened.database)
        activated = keyring.activated(keyring.highest if key_id is None else key_id)
        async with opened.database.connection("read known keys") as connection:
            lowest = await lowest_known_key(connection)
    if lowest is not None and lowest < activated.active:
        message = (
            f"an authority that is running does not know key {activated.active} yet: copy "
            f"{path} to every authority, restart them, and try again"
        )
        raise KeyringError(message)
    activated.save(path)
    return activated.active


def described_keyring(path: Path) -> str:
    """Return a line per key: its id, its fingerprint, and which is active. Raises KeyringError."""
    keyring = Keyring.load(path)
    return "\n".join(
        f"key {key_id}  {fingerprint.hex()}{'  active' if key_id == keyring.active else ''}"
        for key_id, fingerprint in keyring.fingerprints().items()
    )
