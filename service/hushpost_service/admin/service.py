"""Creates and reads tenants, policies and API keys."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hushpost_service.admin.secret import new_secret, secret_hash
from hushpost_service.admin.unversioned_settings import change_unversioned
from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import Policy
from hushpost_service.domain.page_branding import (
    BrandingChange,
    PageBranding,
    branding_content,
    checked_branding,
)
from hushpost_service.domain.policy_settings import (
    PolicySettings,
    check_settings,
    other_than_default,
    with_settings,
)
from hushpost_service.domain.release_limits import ReleaseLimits
from hushpost_service.domain.validation import checked_tenant_id, checked_text, is_tenant_id
from hushpost_service.preferences.anonymizer import Anonymizer
from hushpost_service.storage import (
    anonymization,
    api_keys,
    last_opens,
    page_brandings,
    request_ids,
    tenants,
    tracking_domains,
)
from hushpost_service.storage.anonymization import PolicyJob
from hushpost_service.storage.api_keys import ApiKey, NewApiKey
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.request_ids import NO_TENANT, Method
from hushpost_service.storage.tenant_locks import lock_recording
from hushpost_service.storage.tenants import PolicyChange, Tenant

__all__ = ["Admin", "TenantState"]


@dataclass(frozen=True, slots=True)
class TenantState:
    """A tenant, its current policy with what has no versions, and the job of a stricter policy."""

    tenant: Tenant
    policy: Policy
    branding: PageBranding
    default_domain: str
    policy_job: PolicyJob | None


class Admin:
    """Administers the tenants, policies and API keys of the installation."""

    def __init__(
        self,
        database: Database,
        campaigns: CampaignCache,
        anonymizer: Anonymizer,
        release_limits: ReleaseLimits,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._campaigns = campaigns
        self._anonymizer = anonymizer
        self._release_limits = release_limits
        self._clock = clock

    async def create_tenant(
        self,
        tenant_id: str,
        *,
        display_name: str,
        settings: PolicySettings,
        branding: BrandingChange,
        default_domain: str | None,
        actor: str,
        request: UUID | None,
    ) -> TenantState:
        """Create a tenant.

        Raises ID_INVALID, FIELD_INVALID, DOMAIN_INVALID, DOMAIN_NOT_FOUND, TENANT_ALREADY_EXISTS, REQUEST_ID_REUSED.

        Args:
            tenant_id: The id, which nothing else in the installation has.
            display_name: A name for people.
            settings: The settings of the first policy that differ from the default.
            branding: The fields of the branding that are set.
            default_domain: The default tracking domain, or None.
            actor: The API key's id, for the policy's change log.
            request: The idempotency key.
        """
        checked_tenant_id(tenant_id)
        checked_text(display_name, "display_name", 256)
        check_settings(settings)
        checked_branding(branding)
        # Limited: the default may exceed the operator's limits, what the caller sets may not.
        policy = with_settings(self._release_limits.limited(Policy()), settings)
        self._release_limits.check(policy, settings)
        content = {
            "tenant_id": tenant_id,
            "display_name": display_name,
            "policy": other_than_default(settings),
            "branding": branding_content(branding),
            "default_domain": default_domain,
        }

        async def work(connection: Connection) -> None:
            if not await request_ids.claim(
                connection, NO_TENANT, Method.CREATE_TENANT, request, content, self._clock()
            ):
                return
            number = await tenants.insert_tenant(connection, tenant_id, display_name)
            if number is None:
                raise HushpostError(
                    Reason.TENANT_ALREADY_EXISTS, "there is already a tenant with that id"
                )
            await tenants.insert_policy(connection, number, policy, actor)
            await change_unversioned(connection, number, branding, default_domain)

        await self._database.transact("create tenant", work)
        return await self.tenant(tenant_id)

    async def tenant(self, tenant_id: str) -> TenantState:
        """Return a tenant. Raises TENANT_NOT_FOUND."""
        if not is_tenant_id(tenant_id):
            raise _tenant_not_found()
        async with self._database.connection("get tenant") as connection:
            found = await tenants.tenant(connection, tenant_id)
            if found is None:
                raise _tenant_not_found()
            rule = await self._campaigns.mode_rule(connection, found.number)
            branding = await page_brandings.page_branding(connection, found.number)
            default = await tracking_domains.default_domain(connection, found.number)
        progress = await self._anonymizer.progress(found.number)
        return TenantState(found, rule.policy, branding, default, progress)

    async def list_tenants(self, only: int | None, after: str, limit: int) -> list[Tenant]:
        """Return a page of all tenants, or only of one, sorted by id."""
        async with self._database.connection("list tenants") as connection:
            return await tenants.list_tenants(connection, only, after, limit)

    async def update_policy(
        self,
        tenant_id: str,
        *,
        settings: PolicySettings,
        branding: BrandingChange,
        default_domain: str | None,
        actor: str,
        request: UUID | None,
    ) -> TenantState:
        """Change some fields of a policy; a stricter policy starts an anonymization job.

        Args:
            tenant_id: The tenant.
            settings: The new values; the other settings keep theirs.
            branding: The new fields of the branding; empty ones are removed.
            default_domain: The new default tracking domain, empty for none; None keeps it.
            actor: The API key's id, for the change log.
            request: The idempotency key.

        Raises TENANT_NOT_FOUND, FIELD_INVALID, DOMAIN_INVALID, DOMAIN_NOT_FOUND,
        DOMAIN_NOT_VERIFIED, REQUEST_ID_REUSED.
        """
        number = (await self.tenant(tenant_id)).tenant.number
        content = {
            "policy": dict(settings),
            "branding": branding_content(branding),
            # Removing the default is another request than keeping it.
            "default_domain": default_domain if default_domain is None else [default_domain],
        }
        check_settings(settings)
        checked_branding(branding)

        async def work(connection: Connection) -> None:
            await tenants.lock_tenant(connection, number)
            old = (await self._campaigns.mode_rule(connection, number)).policy
            new = with_settings(old, settings)
            # A limit that was lowered does not block changes of other settings.
            self._release_limits.check(new, settings)
            is_new = await request_ids.claim(
                connection, number, Method.UPDATE_POLICY, request, content, self._clock()
            )
            if not is_new:
                return
            await change_unversioned(connection, number, branding, default_domain)
            if new == old:
                return
            await tenants.insert_policy(connection, number, new, actor)
            is_stricter = new.is_stricter_than(old)
            if is_stricter:
                await anonymization.insert_policy_job(
                    connection, number, new.history_when_true, self._clock()
                )
            ends_last_opens = old.record_last_opens and not new.record_last_opens
            if is_stricter or ends_last_opens:
                await lock_recording(connection, self._database.kind, number)
            if ends_last_opens:
                await last_opens.delete_all_last_opens(connection, number)

        await self._database.transact("update policy", work)
        self._anonymizer.poll_now()
        return await self.tenant(tenant_id)

    async def list_policy_changes(
        self, tenant_id: str, after: int, limit: int
    ) -> list[PolicyChange]:
        """Return a page of the tenant's policies, oldest first. Raises TENANT_NOT_FOUND."""
        number = (await self.tenant(tenant_id)).tenant.number
        async with self._database.connection("list policies") as connection:
            return await tenants.list_policies(connection, number, after, limit)

    async def tenant_numbers(self, tenant_ids: Collection[str]) -> frozenset[int]:
        """Return the numbers of tenants. Raises TENANT_NOT_FOUND unless all exist."""
        wanted = set(tenant_ids)
        if not all(map(is_tenant_id, wanted)):
            raise _tenant_not_found()
        async with self._database.connection("tenant numbers") as connection:
            found = await tenants.tenant_numbers(connection, wanted)
        if len(found) < len(wanted):
            raise _tenant_not_found()
        return frozenset(found.values())

    async def create_api_key(self, key: NewApiKey, request: UUID | None) -> tuple[ApiKey, str]:
        """Create a key; return it and its secret. Raises FIELD_INVALID, REQUEST_ID_REUSED.

        A repeated request returns the same key and an empty secret, because secrets are not
        stored. A key without a tenant belongs to the installation.
        """
        checked_text(key.display_name, "display_name", 256)
        new = new_secret()
        scope = NO_TENANT if key.tenant is None else key.tenant
        content = {
            "role": key.role,
            "display_name": key.display_name,
            "edge_tenants": sorted(key.edge_tenants or ()),
            "expire_time": key.expire_time and key.expire_time.isoformat(),
        }

        async def work(connection: Connection) -> tuple[int | None, str]:
            number, is_valid = await api_keys.insert_api_key(connection, key, secret_hash(new))
            now = self._clock()
            if await request_ids.claim(
                connection, scope, Method.CREATE_API_KEY, request, content, now, number
            ):
                if not is_valid:
                    raise _expired_already()
                return number, new
            await api_keys.delete_api_key(connection, number)
            if request is None:
                raise AssertionError
            earlier = await request_ids.created_number(
                connection, scope, Method.CREATE_API_KEY, request, number
            )
            return earlier, ""

        number, secret = await self._database.transact("create api key", work)
        return await self.api_key(number or 0), secret

    async def api_key(self, number: int) -> ApiKey:
        """Return a key. Raises API_KEY_NOT_FOUND."""
        async with self._database.connection("get api key") as connection:
            found = await api_keys.api_key(connection, number)
        if found is None:
            raise HushpostError(Reason.API_KEY_NOT_FOUND, "there is no such API key")
        return found

    async def list_api_keys(self, tenant: int | None, after: int, limit: int) -> list[ApiKey]:
        """Return a page of the keys of a tenant, or of all keys, oldest first."""
        async with self._database.connection("list api keys") as connection:
            return await api_keys.list_api_keys(connection, tenant, after, limit)

    async def revoke_api_key(self, number: int, actor: str) -> ApiKey:
        """Revoke a key permanently, on behalf of the API key `actor`. Raises API_KEY_NOT_FOUND."""

        async def work(connection: Connection) -> None:
            await api_keys.revoke_api_key(connection, number, actor)

        await self._database.transact("revoke api key", work)
        return await self.api_key(number)


def _expired_already() -> HushpostError:
    return HushpostError(
        Reason.FIELD_INVALID, "expire_time must be in the future", {"field": "expire_time"}
    )


def _tenant_not_found() -> HushpostError:
    return HushpostError(Reason.TENANT_NOT_FOUND, "there is no such tenant")
