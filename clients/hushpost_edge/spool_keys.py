"""Keeps the keys of the spool, sealed to the authority's public key.

The key of each run of the edge is a file that only the authority can open. So a copy of the
data folder reveals no event, and an edge that was restarted can still ship the events of
earlier runs: it asks the authority, which it needs for shipping anyway. The authority's
public key is stored too, so that an edge can be restarted while the authority is down. What
cannot be stored, because the disk is full, is stored later; until then no events are recorded.
"""

import asyncio
import base64
import json
from pathlib import Path

import structlog

from hushpost_client import ErrorReason, HushpostError, SpoolPublicKey, Tracking
from hushpost_edge.spool_cipher import SpoolCipher, SpoolKey
from hushpost_runtime.key_sealing import seal_key
from hushpost_runtime.secret_file import write_secret_file

__all__ = ["SpoolKeys", "check_stored"]

_log = structlog.get_logger(__name__)

_RENEW_SECONDS = 600.0
"""How soon an edge follows a rotation of the authority's keyring."""

_RETRY_SECONDS = 2.0
_PUBLIC_KEY = "authority.json"
_SUFFIX = ".key"


def check_stored(folder: Path, current: SpoolKey) -> None:
    """Raise OSError if the key of this run should be stored but is not.

    A crash would lose the events that are encrypted with it.
    """
    if (folder / _PUBLIC_KEY).exists():
        _file(folder, current.id).stat()


class SpoolKeys:
    """The key of this run, those of earlier runs, and the authority's public key.

    Attributes:
        cipher: Encrypts and decrypts with these keys.
    """

    def __init__(self, folder: Path, current: SpoolKey) -> None:
        """Seal the key of this run, if the authority's public key is known."""
        self._folder = folder
        self._current = current
        self._known = {current.id}
        self.cipher = SpoolCipher(current)
        self.cipher.is_complete = False
        self._public = self._stored_public = self._read_public_key()
        self._sealed_to: SpoolPublicKey | None = None
        self._try_to_store()

    async def keep(self, tracking: Tracking) -> None:
        """Follow the authority's public key, and have the keys of earlier runs opened."""
        while True:
            is_current = await self._renew(tracking)
            is_stored = await asyncio.to_thread(self._try_to_store)
            if is_current:
                # Even if the disk is full: events of earlier runs can be shipped.
                self.cipher.is_complete = True
            await asyncio.sleep(_RENEW_SECONDS if is_current and is_stored else _RETRY_SECONDS)

    def earlier(self) -> list[bytes]:
        """Return the ids of the keys of earlier runs that are still stored."""
        return [key_id for key_id in self._stored() if key_id != self._current.id]

    def forget(self, key_id: bytes) -> None:
        """Delete a key that nothing in the spool is encrypted with any more. Raises OSError."""
        _file(self._folder, key_id).unlink(missing_ok=True)

    async def _renew(self, tracking: Tracking) -> bool:
        """Get all keys from the authority; return whether that succeeded."""
        try:
            self._public = await tracking.get_spool_public_key()
            await self._open_earlier(tracking)
        except HushpostError as error:
            _log.warning(
                "getting the keys of the spool failed; will retry",
                reason=error.reason,
                cause=type(error).__name__,
                call_id=error.call_id,
            )
        except OSError as error:
            _log.error("reading the keys of the spool failed; will retry", cause=error.strerror)
        else:
            return True
        return False

    async def _open_earlier(self, tracking: Tracking) -> None:
        for key_id in self._stored():
            if key_id in self._known:
                continue
            sealed = _file(self._folder, key_id).read_bytes()
            try:
                self.cipher.add(SpoolKey(key_id, await tracking.open_spool_key(sealed)))
            except HushpostError as error:
                if error.reason is not ErrorReason.FIELD_INVALID:
                    raise
                _log.error("a key of the spool is damaged, or of another authority; deleted")
                self.forget(key_id)
            self._known.add(key_id)

    def _try_to_store(self) -> bool:
        """Store the keys that have changed; return whether all are stored."""
        try:
            self._store()
        except OSError as error:
            _log.error("storing the keys of the spool failed; will retry", cause=error.strerror)
            return False
        return True

    def _store(self) -> None:
        public = self._public
        if public is None:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # First the sealed key: once the public key is stored, it has to be there (`check_stored`).
        if public != self._sealed_to:
            sealed = seal_key(
                self._current.key, public.tenant_numbers, public.key_id, public.public_key
            )
            write_secret_file(_file(self._folder, self._current.id), sealed)
            self._sealed_to = public
        if public != self._stored_public:
            content = {
                "key_id": public.key_id,
                "public_key": base64.b64encode(public.public_key).decode(),
                "tenant_numbers": public.tenant_numbers,
            }
            write_secret_file(self._folder / _PUBLIC_KEY, json.dumps(content).encode())
            self._stored_public = public

    def _read_public_key(self) -> SpoolPublicKey | None:
        file = self._folder / _PUBLIC_KEY
        try:
            content = json.loads(file.read_bytes())
            return SpoolPublicKey(
                key_id=content["key_id"],
                public_key=base64.b64decode(content["public_key"]),
                tenant_numbers=tuple(content["tenant_numbers"]),
            )
        except (ValueError, KeyError):
            file.unlink()  # `keep` stores it again
        except FileNotFoundError:
            pass
        return None

    def _stored(self) -> list[bytes]:
        return [bytes.fromhex(file.stem) for file in sorted(self._folder.glob(f"*{_SUFFIX}"))]


def _file(folder: Path, key_id: bytes) -> Path:
    return folder / f"{key_id.hex()}{_SUFFIX}"
