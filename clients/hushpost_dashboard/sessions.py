"""Sessions: encrypted cookies that hold the API key of someone who has signed in.

The cookie is encrypted and authenticated (Fernet: AES-128-CBC and HMAC-SHA256), so neither the
browser nor a copy of its files reveals the API key without the dashboard's session key.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken

from hushpost_runtime.secret_file import read_secret_file, write_secret_file
from hushpost_runtime.settings import SettingsError

__all__ = ["SESSION_SECONDS", "Session", "Sessions", "session_cipher"]

SESSION_SECONDS = 8 * 3600
"""How long a session lasts."""

_MAX_COOKIE_BYTES = 3_000
_MAX_ENDED = 100_000
"""The sessions that ended last are remembered; 10 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Someone who has signed in.

    Attributes:
        session_id: Random, new at each sign-in.
        api_key: The API key.
        tenant_id: The tenant of the API key; None if it is not known yet.
        csrf_secret: The key of the tokens in this session's forms.
        expire_time: When the session ends, in seconds since 1970.
    """

    session_id: str
    api_key: str = field(repr=False)
    csrf_secret: bytes = field(repr=False)
    tenant_id: str | None
    expire_time: int

    @classmethod
    def start(cls, api_key: str, tenant_id: str | None, now: float) -> Self:
        """Return a new session."""
        return cls(
            session_id=secrets.token_urlsafe(16),
            api_key=api_key,
            csrf_secret=secrets.token_bytes(32),
            tenant_id=tenant_id,
            expire_time=int(now) + SESSION_SECONDS,
        )


class Sessions:
    """Seals sessions into cookies, opens them, and remembers which have been ended.

    Args:
        cipher: The cipher of the cookies.
        clock: Seconds since 1970.
    """

    def __init__(self, cipher: Fernet, clock: Callable[[], float] = time.time) -> None:
        self._cipher = cipher
        self._clock = clock
        self._ended: dict[str, None] = {}

    def start(self, api_key: str, tenant_id: str | None) -> Session:
        """Return a new session, with an id and secrets of its own."""
        return Session.start(api_key, tenant_id, self._clock())

    def seal(self, session: Session) -> str:
        """Return the value of the session's cookie."""
        content = {
            "id": session.session_id,
            "key": session.api_key,
            "csrf": base64.b64encode(session.csrf_secret).decode(),
            "tenant": session.tenant_id,
            "expires": session.expire_time,
        }
        return self._cipher.encrypt(json.dumps(content).encode()).decode()

    def open(self, cookie: str) -> Session | None:
        """Return the session of a cookie; None if it is invalid, expired or ended."""
        if not cookie or len(cookie) > _MAX_COOKIE_BYTES or not cookie.isascii():
            return None
        try:
            content = json.loads(self._cipher.decrypt(cookie.encode()))
        except InvalidToken:
            return None
        session = Session(
            session_id=content["id"],
            api_key=content["key"],
            csrf_secret=base64.b64decode(content["csrf"]),
            tenant_id=content["tenant"],
            expire_time=content["expires"],
        )
        if session.expire_time <= self._clock() or session.session_id in self._ended:
            return None
        return session

    def end(self, session: Session) -> None:
        """Make every copy of the session's cookie invalid."""
        self._ended[session.session_id] = None
        if len(self._ended) > _MAX_ENDED:
            del self._ended[next(iter(self._ended))]


def session_cipher(key_file: Path | None) -> Fernet:
    """Return the cipher of the session cookies; create the key if its file does not exist.

    Raises SettingsError, OSError.
    """
    if key_file is None:
        return Fernet(Fernet.generate_key())
    if not key_file.exists():
        write_secret_file(key_file, Fernet.generate_key() + b"\n")
    try:
        return Fernet(read_secret_file(key_file).strip())
    except ValueError:
        raise SettingsError(
            f"{key_file} has no session key, which is 32 bytes in base64url; delete the file, "
            "and a new key will be created"
        ) from None
