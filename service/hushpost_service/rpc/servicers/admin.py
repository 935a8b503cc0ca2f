"""AdminService: tenants, policies and API keys."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import grpc

from hushpost.v1 import admin_pb2 as pb
from hushpost.v1.admin_pb2_grpc import AdminServiceServicer
from hushpost_service.admin.auth import Authenticator
from hushpost_service.admin.caller import Caller
from hushpost_service.admin.service import Admin, TenantState
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.roles import Role
from hushpost_service.domain.validation import checked_page_size, checked_request_id
from hushpost_service.rpc.branding_conversion import (
    given_branding,
    masked_branding,
)
from hushpost_service.rpc.convert import enum_member, enum_number, timestamp
from hushpost_service.rpc.interceptors.authentication import current_caller
from hushpost_service.rpc.paging import (
    id_page_start,
    id_page_token,
    page_start,
    page_token,
    parse_number,
)
from hushpost_service.rpc.policy_conversion import (
    given_settings,
    masked_default_domain,
    masked_settings,
    policy_message,
)
from hushpost_service.storage.anonymization import PolicyJob
from hushpost_service.storage.api_keys import ApiKey, NewApiKey
from hushpost_service.storage.tenants import PolicyChange, Tenant

__all__ = ["AdminServicer"]

Context = grpc.aio.ServicerContext[Any, Any]

_MAX_EDGE_TENANTS = 1000


class AdminServicer(AdminServiceServicer):
    """Serves AdminService."""

    def __init__(self, admin: Admin, authenticator: Authenticator) -> None:
        self._admin = admin
        self._authenticator = authenticator

    async def CreateTenant(
        self, request: pb.CreateTenantRequest, context: Context
    ) -> pb.CreateTenantResponse:
        """Create a tenant."""
        caller = current_caller()
        caller.check_installation()
        state = await self._admin.create_tenant(
            request.tenant_id,
            display_name=request.display_name,
            settings=given_settings(request.policy),
            branding=given_branding(request.policy.branding),
            default_domain=request.policy.default_tracking_domain or None,
            actor=caller.actor,
            request=checked_request_id(request.request_id),
        )
        return pb.CreateTenantResponse(tenant=_tenant(state))

    async def GetTenant(
        self, request: pb.GetTenantRequest, context: Context
    ) -> pb.GetTenantResponse:
        """Return a tenant, its policy and the progress of anonymization."""
        tenant_id = current_caller().administered_tenant_id(request.tenant_id)
        return pb.GetTenantResponse(tenant=_tenant(await self._admin.tenant(tenant_id)))

    async def ListTenants(
        self, request: pb.ListTenantsRequest, context: Context
    ) -> pb.ListTenantsResponse:
        """Return a page of the tenants that the key may administer, sorted by id."""
        size = checked_page_size(request.page_size)
        start = id_page_start("tenants", request.page_token)
        found = await self._admin.list_tenants(current_caller().key.tenant, start, size + 1)
        page = found[:size]
        return pb.ListTenantsResponse(
            tenants=[_tenant_summary(tenant) for tenant in page],
            next_page_token=id_page_token("tenants", page[-1].tenant_id) if found[size:] else "",
        )

    async def UpdatePolicy(
        self, request: pb.UpdatePolicyRequest, context: Context
    ) -> pb.UpdatePolicyResponse:
        """Change the fields of a policy that the update mask names."""
        caller = current_caller()
        branding, mask = masked_branding(request.policy.branding, request.update_mask.paths)
        default_domain, mask = masked_default_domain(request.policy, mask)
        has_settings = bool(mask) or not (branding or default_domain is not None)
        state = await self._admin.update_policy(
            caller.administered_tenant_id(request.tenant_id),
            settings=masked_settings(request.policy, mask) if has_settings else {},
            branding=branding,
            default_domain=default_domain,
            actor=caller.actor,
            request=checked_request_id(request.request_id),
        )
        return pb.UpdatePolicyResponse(tenant=_tenant(state))

    async def ListPolicyChanges(
        self, request: pb.ListPolicyChangesRequest, context: Context
    ) -> pb.ListPolicyChangesResponse:
        """Return a page of the tenant's policies, oldest first."""
        tenant_id = current_caller().administered_tenant_id(request.tenant_id)
        size = checked_page_size(request.page_size)
        (start,) = page_start("policies", request.page_token) or (0,)
        found = await self._admin.list_policy_changes(tenant_id, start, size + 1)
        page = found[:size]
        return pb.ListPolicyChangesResponse(
            changes=[_policy_change(change) for change in page],
            next_page_token=page_token("policies", page[-1].version) if found[size:] else "",
        )

    async def CreateApiKey(
        self, request: pb.CreateApiKeyRequest, context: Context
    ) -> pb.CreateApiKeyResponse:
        """Create an API key."""
        caller = current_caller()
        role = enum_member(Role, request.role, "role")
        tenant = await self._tenant_of_new_key(caller, role, request.tenant_id)
        new = NewApiKey(
            tenant=tenant,
            role=role,
            display_name=request.display_name,
            create_actor=caller.actor,
            edge_tenants=await self._edge_tenants(role, request.edge_tenant_ids),
            expire_time=_expire_time(request),
        )
        key, secret = await self._admin.create_api_key(new, checked_request_id(request.request_id))
        return pb.CreateApiKeyResponse(api_key=_api_key(key), secret=secret)

    async def ListApiKeys(
        self, request: pb.ListApiKeysRequest, context: Context
    ) -> pb.ListApiKeysResponse:
        """Return a page of the keys of a tenant, or of all keys, oldest first."""
        caller = current_caller()
        caller.check_tenant(request.tenant_id)
        tenant = caller.key.tenant
        if request.tenant_id:
            tenant = (await self._admin.tenant(request.tenant_id)).tenant.number
        size = checked_page_size(request.page_size)
        (start,) = page_start("api_keys", request.page_token) or (0,)
        found = await self._admin.list_api_keys(tenant, start, size + 1)
        page = found[:size]
        return pb.ListApiKeysResponse(
            api_keys=[_api_key(key) for key in page],
            next_page_token=page_token("api_keys", page[-1].number) if found[size:] else "",
        )

    async def RevokeApiKey(
        self, request: pb.RevokeApiKeyRequest, context: Context
    ) -> pb.RevokeApiKeyResponse:
        """Revoke an API key."""
        caller = current_caller()
        number = _key_number(request.key_id)
        key = await self._admin.api_key(number)
        if not caller.is_installation and key.tenant != caller.key.tenant:
            # The same error as for a key that does not exist, so as not to reveal other keys.
            raise HushpostError(Reason.API_KEY_NOT_FOUND, "there is no such API key")
        key = await self._admin.revoke_api_key(number, caller.actor)
        self._authenticator.revoked(key)
        return pb.RevokeApiKeyResponse(api_key=_api_key(key))

    async def _tenant_of_new_key(self, caller: Caller, role: Role, tenant_id: str) -> int | None:
        """Return the tenant of a key to create; None for a key of the installation."""
        caller.check_tenant(tenant_id)
        if role is Role.EDGE and tenant_id:
            raise HushpostError(
                Reason.FIELD_INVALID,
                "tenant_id must be empty for role EDGE; edge_tenant_ids limits such a key",
                {"field": "tenant_id"},
            )
        if role is Role.EDGE or (role is Role.ADMIN and not tenant_id and caller.is_installation):
            caller.check_installation()
            return None
        return (await self._admin.tenant(caller.administered_tenant_id(tenant_id))).tenant.number

    async def _edge_tenants(self, role: Role, tenant_ids: Sequence[str]) -> frozenset[int] | None:
        """Return the tenants that an EDGE key to create is limited to; None for all."""
        if not tenant_ids:
            return None
        problem = None
        if role is not Role.EDGE:
            problem = "edge_tenant_ids must be empty unless the role is EDGE"
        elif len(tenant_ids) > _MAX_EDGE_TENANTS:
            problem = f"edge_tenant_ids can have at most {_MAX_EDGE_TENANTS} items"
        if problem:
            raise HushpostError(Reason.FIELD_INVALID, problem, {"field": "edge_tenant_ids"})
        return await self._admin.tenant_numbers(tenant_ids)


def _expire_time(request: pb.CreateApiKeyRequest) -> datetime | None:
    """Return the expiry of a key to create; None for none. Raises FIELD_INVALID."""
    if not request.HasField("expire_time"):
        return None
    try:
        return request.expire_time.ToDatetime(UTC)
    except (OverflowError, ValueError):
        raise HushpostError(
            Reason.FIELD_INVALID,
            "expire_time must be a time before the year 10000",
            {"field": "expire_time"},
        ) from None


def _key_number(key_id: str) -> int:
    try:
        return parse_number(key_id)
    except ValueError:
        raise HushpostError(
            Reason.ID_INVALID,
            "key_id must be the decimal number of an API key",
            {"field": "key_id"},
        ) from None


def _policy_change(change: PolicyChange) -> pb.PolicyChange:
    return pb.PolicyChange(
        version=change.version,
        change_time=timestamp(change.valid_from),
        actor=change.actor,
        policy=policy_message(change.policy),
    )


def _tenant(state: TenantState) -> pb.Tenant:
    return pb.Tenant(
        tenant_id=state.tenant.tenant_id,
        display_name=state.tenant.display_name,
        policy=policy_message(state.policy, state.branding, state.default_domain),
        create_time=timestamp(state.tenant.create_time),
        folding=_progress(state.policy_job),
    )


def _tenant_summary(tenant: Tenant) -> pb.TenantSummary:
    return pb.TenantSummary(
        tenant_id=tenant.tenant_id,
        display_name=tenant.display_name,
        create_time=timestamp(tenant.create_time),
    )


def _progress(job: PolicyJob | None) -> pb.AnonymizationProgress | None:
    if job is None:
        return None
    return pb.AnonymizationProgress(
        folded_count=job.anonymized_events,
        total_count=job.total_events,
        start_time=timestamp(job.start_time),
    )


def _api_key(key: ApiKey) -> pb.ApiKey:
    return pb.ApiKey(
        key_id=str(key.number),
        tenant_id=key.tenant_id or "",
        role=enum_number(key.role),
        display_name=key.display_name,
        create_time=timestamp(key.create_time),
        create_actor=key.create_actor,
        edge_tenant_ids=key.edge_tenant_ids,
        expire_time=timestamp(key.expire_time),
        last_used_time=timestamp(_start_of_day(key.last_used_date)),
        revoke_time=timestamp(key.revoke_time),
        revoke_actor=key.revoke_actor or "",
    )


def _start_of_day(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time.min, UTC)
