"""Who calls: API keys, remembered for a few seconds."""

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

_REMEMBERED_SECONDS = 5
"""So soon a revoked key is refused by processes that did not revoke it."""

_REMEMBERED_KEYS = 10_000
_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever presented an API key."""

    key: ApiKey

    @property
    def actor(self) -> str:
        """The key's id, as logs of changes have it."""
        return str(self.key.number)

    @property
    def is_installation(self) -> bool:
        """Whether the key is for the whole installation."""
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
        """Raise TENANT_NOT_ALLOWED where a call names another tenant than the key's."""
        if tenant_id and not self.is_installation and tenant_id != self.key.tenant_id:
            raise _not_allowed()

    def tenant(self, tenant_id: str) -> int:
        """Return the key's tenant, which the call may name. Raises TENANT_NOT_ALLOWED."""
        self.check_tenant(tenant_id)
        if self.key.tenant is None:
            raise _not_allowed()
        return self.key.tenant

    def check_installation(self) -> None:
        """Raise TENANT_NOT_ALLOWED unless the key is for the whole installation."""
        if not self.is_installation:
            raise _not_allowed()


class Authenticator:
    """Tells who calls."""

    def __init__(self, database: Database, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._monotonic = monotonic
        self._known: BoundedCache[str, tuple[float, Caller]] = BoundedCache(_REMEMBERED_KEYS)
        # What was asked before this moment may be outdated by a revocation.
        self._forgotten = monotonic()

    def cached(self, authorization: str | None) -> Caller | None:
        """Return who presents that header, if that was looked up seconds ago."""
        known = self._known.get(authorization or "")
        if known is None or known[0] < self._monotonic():
            return None
        return known[1]

    async def caller(self, authorization: str | None) -> Caller:
        """Look up who presents that header.

        Raises API_KEY_MISSING, API_KEY_INVALID, API_KEY_REVOKED.
        """
        if authorization is None or authorization[:7].lower() != _SCHEME:
            raise HushpostError(
                Reason.API_KEY_MISSING, "the call has no `authorization: Bearer hp_…`"
            )
        asked = self._monotonic()
        async with self._database.connection("authenticate") as connection:
            key = await api_keys.api_key_by_hash(connection, secret_hash(authorization[7:].strip()))
        if key is None:
            raise HushpostError(Reason.API_KEY_INVALID, "there is no such API key")
        if key.revoke_time is not None:
            raise HushpostError(Reason.API_KEY_REVOKED, "the API key has been revoked")
        caller = Caller(key)
        if asked >= self._forgotten:
            self._known[authorization] = (asked + _REMEMBERED_SECONDS, caller)
        return caller

    def forget(self) -> None:
        """Look every key up anew, because one has been revoked."""
        self._known.clear()
        self._forgotten = self._monotonic()


def _not_allowed() -> HushpostError:
    return HushpostError(Reason.TENANT_NOT_ALLOWED, "the API key is not for that tenant")
