"""The API key of a call, and checks of what it permits."""

from dataclasses import dataclass, field

from hushpost_service.domain.errors import HushpostError, Reason, tenant_not_allowed
from hushpost_service.domain.roles import Role
from hushpost_service.storage.api_keys import ApiKey

__all__ = ["Caller"]


@dataclass(frozen=True, slots=True)
class Caller:
    """The API key of a call, and checks of what it permits.

    `wrapping_secret` is derived from the key's secret and encrypts issue keys. It is never
    stored or logged.
    """

    key: ApiKey
    wrapping_secret: bytes = field(repr=False)

    @property
    def actor(self) -> str:
        """The key's id, as change logs record it."""
        return str(self.key.number)

    @property
    def is_installation(self) -> bool:
        """Whether the key belongs to the installation, not to a tenant."""
        return self.key.tenant is None

    @property
    def edge_tenants(self) -> frozenset[int] | None:
        """The tenants that a key of role EDGE is limited to; None for all."""
        return self.key.edge_tenants

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
            raise tenant_not_allowed()

    def tenant(self, tenant_id: str) -> int:
        """Return the number of the key's tenant.

        Raises TENANT_NOT_ALLOWED if the key has no tenant, or if `tenant_id` is set and is
        another tenant's.
        """
        self.check_tenant(tenant_id)
        if self.key.tenant is None:
            raise tenant_not_allowed()
        return self.key.tenant

    def administered_tenant_id(self, tenant_id: str) -> str:
        """Return the tenant id of a request to administer it, by default that of the key.

        Raises TENANT_NOT_ALLOWED, and ID_INVALID if neither the request nor the key has one.
        """
        self.check_tenant(tenant_id)
        effective_id = tenant_id or self.key.tenant_id
        if not effective_id:
            raise HushpostError(
                Reason.ID_INVALID,
                "tenant_id is required: the API key has no tenant",
                {"field": "tenant_id"},
            )
        return effective_id

    def check_edge_tenant(self, number: int) -> None:
        """Raise TENANT_NOT_ALLOWED if the key is of role EDGE and not for that tenant."""
        if self.edge_tenants is not None and number not in self.edge_tenants:
            raise tenant_not_allowed()

    def check_installation(self) -> None:
        """Raise TENANT_NOT_ALLOWED unless the key belongs to the installation."""
        if not self.is_installation:
            raise tenant_not_allowed()
