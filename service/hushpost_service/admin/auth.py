"""Authenticates calls by API key; valid keys are cached for a few seconds."""

from collections.abc import Callable
from dataclasses import dataclass

from hushpost_service.admin.service import secret_hash
from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.roles import Role
from hushpost_service.storage import api_keys
from hushpost_service.storage.api_keys import ApiKey
from hushpost_service.storage.database import Database

__all__ = ["Authenticator", "Caller"]

_CACHE_SECONDS = 5
"""Processes other than the one that revoked a key accept it at most this much longer."""

_MAX_CACHED_KEYS = 10_000
_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """The API key of a call, and checks of what it permits."""

    key: ApiKey

    @property
    def actor(self) -> str:
        """The key's id, as change logs record it."""
        return str(self.key.number)

    @property
    def is_installation(self) -> bool:
        """Whether the key belongs to the installation, not to a tenant."""
        return self.key.tenant is None

    def check_role(self, roles: frozenset[Role], method: str) -> None:
        """Raise ROLE_NOT_ALLOWED unless the key has one of the roles."""
        if self.key.role not in roles:
            raise HushpostError(
                Reason.ROLE_NOT_ALLOWED,
                f"a key of role {self.key.role.name} may not call {method}",
                {"role": self.key.role.name, "method": method},
            )

    def check_tenant(self, tenant_id: str) -> None:
        """Raise TENANT_NOT_ALLOWED if `tenant_id` is set and the key is for another tenant."""
        if tenant_id and not self.is_installation and tenant_id != self.key.tenant_id:
            raise _tenant_not_allowed()

    def tenant(self, tenant_id: str) -> int:
        """Return the number of the key's tenant.

        Raises TENANT_NOT_ALLOWED if the key has no tenant, or if `tenant_id` is set and is
        another tenant's.
        """
        self.check_tenant(tenant_id)
        if self.key.tenant is None:
            raise _tenant_not_allowed()
        return self.key.tenant

    def check_installation(self) -> None:
        """Raise TENANT_NOT_ALLOWED unless the key belongs to the installation."""
        if not self.is_installation:
            raise _tenant_not_allowed()


class Authenticator:
    """Looks up the API key of an `authorization` header."""

    def __init__(self, database: Database, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._monotonic = monotonic
        self._cache: BoundedCache[str, tuple[float, Caller]] = BoundedCache(_MAX_CACHED_KEYS)
        self._cleared_at = monotonic()

    def cached(self, authorization: str | None) -> Caller | None:
        """Return the caller of a header if it is cached and has not expired."""
        entry = self._cache.get(authorization or "")
        if entry is None or entry[0] < self._monotonic():
            return None
        return entry[1]

    async def caller(self, authorization: str | None) -> Caller:
        """Read the caller of a header from the database and cache it.

        Raises API_KEY_MISSING, API_KEY_INVALID, API_KEY_REVOKED.
        """
        if authorization is None or authorization[:7].lower() != _SCHEME:
            raise HushpostError(
                Reason.API_KEY_MISSING,
                "the call needs an API key in its metadata: `authorization: Bearer hp_…`",
            )
        start = self._monotonic()
        async with self._database.connection("authenticate") as connection:
            key = await api_keys.api_key_by_hash(connection, secret_hash(authorization[7:].strip()))
        if key is None:
            raise HushpostError(Reason.API_KEY_INVALID, "there is no such API key")
        if key.revoke_time is not None:
            raise HushpostError(Reason.API_KEY_REVOKED, "the API key has been revoked")
        caller = Caller(key)
        # What was read before the cache was cleared may be outdated by a revocation.
        if start >= self._cleared_at:
            self._cache[authorization] = (start + _CACHE_SECONDS, caller)
        return caller

    def clear_cache(self) -> None:
        """Make the next call of every key read the database; call after revoking a key."""
        self._cache.clear()
        self._cleared_at = self._monotonic()


def _tenant_not_allowed() -> HushpostError:
    return HushpostError(Reason.TENANT_NOT_ALLOWED, "the API key is not for that tenant")
