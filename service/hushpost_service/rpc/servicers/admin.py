"""AdminService: tenants, policies, keys."""

from typing import Any

import grpc

from hushpost.v1 import admin_pb2 as pb
from hushpost.v1.admin_pb2_grpc import AdminServiceServicer
from hushpost_service.admin.auth import Authenticator, Caller
from hushpost_service.admin.service import Admin, TenantState
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import History, Mode, Policy
from hushpost_service.domain.roles import Role
from hushpost_service.domain.validation import checked_page_size, checked_request_id
from hushpost_service.rpc.convert import member, optional_member, timestamp, wire
from hushpost_service.rpc.interceptors.authentication import current_caller
from hushpost_service.rpc.paging import after, natural, page_token
from hushpost_service.storage.anonymization import PolicyJob
from hushpost_service.storage.api_keys import ApiKey
from hushpost_service.storage.tenants import PolicyChange

__all__ = ["AdminServicer"]

Context = grpc.aio.ServicerContext[Any, Any]

_DEFAULT = Policy()


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
            request.display_name,
            _policy(request.policy),
            caller.actor,
            checked_request_id(request.request_id),
        )
        return pb.CreateTenantResponse(tenant=_tenant(state))

    async def GetTenant(
        self, request: pb.GetTenantRequest, context: Context
    ) -> pb.GetTenantResponse:
        """Look a tenant up."""
        tenant_id = _tenant_id(current_caller(), request.tenant_id)
        return pb.GetTenantResponse(tenant=_tenant(await self._admin.tenant(tenant_id)))

    async def UpdatePolicy(
        self, request: pb.UpdatePolicyRequest, context: Context
    ) -> pb.UpdatePolicyResponse:
        """Change a policy."""
        caller = current_caller()
        fields = list(request.update_mask.paths)
        known = pb.Policy.DESCRIPTOR.fields_by_name
        unknown = [field for field in fields if field not in known]
        if unknown or not fields:
            raise HushpostError(
                Reason.UPDATE_MASK_INVALID,
                "update_mask must name fields of Policy",
                {"field": unknown[0] if unknown else ""},
            )
        state = await self._admin.update_policy(
            _tenant_id(caller, request.tenant_id),
            _policy(request.policy),
            fields,
            caller.actor,
            checked_request_id(request.request_id),
        )
        return pb.UpdatePolicyResponse(tenant=_tenant(state))

    async def ListPolicyChanges(
        self, request: pb.ListPolicyChangesRequest, context: Context
    ) -> pb.ListPolicyChangesResponse:
        """List a part of the policies that a tenant has had."""
        tenant_id = _tenant_id(current_caller(), request.tenant_id)
        size = checked_page_size(request.page_size)
        (start,) = after("policies", request.page_token) or (0,)
        found = await self._admin.policy_changes(tenant_id, start, size + 1)
        page = found[:size]
        return pb.ListPolicyChangesResponse(
            changes=[_policy_change(change) for change in page],
            next_page_token=page_token("policies", page[-1].version) if found[size:] else "",
        )

    async def CreateApiKey(
        self, request: pb.CreateApiKeyRequest, context: Context
    ) -> pb.CreateApiKeyResponse:
        """Create a key."""
        caller = current_caller()
        role = member(Role, request.role, "role")
        tenant = await self._key_tenant(caller, role, request.tenant_id)
        key, secret = await self._admin.create_api_key(
            tenant, role, request.display_name, checked_request_id(request.request_id)
        )
        return pb.CreateApiKeyResponse(api_key=_api_key(key), secret=secret)

    async def ListApiKeys(
        self, request: pb.ListApiKeysRequest, context: Context
    ) -> pb.ListApiKeysResponse:
        """List a part of the keys."""
        caller = current_caller()
        caller.check_tenant(request.tenant_id)
        tenant = caller.key.tenant
        if request.tenant_id:
            tenant = (await self._admin.tenant(request.tenant_id)).tenant.number
        size = checked_page_size(request.page_size)
        (start,) = after("api_keys", request.page_token) or (0,)
        found = await self._admin.api_keys(tenant, start, size + 1)
        page = found[:size]
        return pb.ListApiKeysResponse(
            api_keys=[_api_key(key) for key in page],
            next_page_token=page_token("api_keys", page[-1].number) if found[size:] else "",
        )

    async def RevokeApiKey(
        self, request: pb.RevokeApiKeyRequest, context: Context
    ) -> pb.RevokeApiKeyResponse:
        """Revoke a key."""
        caller = current_caller()
        number = _key_number(request.key_id)
        key = await self._admin.api_key(number)
        if not caller.is_installation and key.tenant != caller.key.tenant:
            # As for one that does not exist: whose keys there are is nobody's business.
            raise HushpostError(Reason.API_KEY_NOT_FOUND, "there is no such API key")
        key = await self._admin.revoke_api_key(number)
        self._authenticator.forget()
        return pb.RevokeApiKeyResponse(api_key=_api_key(key))

    async def _key_tenant(self, caller: Caller, role: Role, tenant_id: str) -> int | None:
        """Return the tenant of a key to create, None for one of the installation."""
        caller.check_tenant(tenant_id)
        if role is Role.EDGE and tenant_id:
            raise HushpostError(
                Reason.FIELD_INVALID,
                "a key of role EDGE has no tenant",
                {"field": "tenant_id"},
            )
        if role is Role.EDGE or (role is Role.ADMIN and not tenant_id and caller.is_installation):
            caller.check_installation()
            return None
        named = _tenant_id(caller, tenant_id)
        return (await self._admin.tenant(named)).tenant.number


def _tenant_id(caller: Caller, tenant_id: str) -> str:
    """Return the tenant that a call is about: the one named, or else the key's."""
    caller.check_tenant(tenant_id)
    named = tenant_id or caller.key.tenant_id
    if not named:
        raise HushpostError(Reason.ID_INVALID, "tenant_id is empty", {"field": "tenant_id"})
    return named


def _key_number(key_id: str) -> int:
    try:
        return natural(key_id)
    except ValueError:
        raise HushpostError(
            Reason.ID_INVALID, "key_id is not the id of an API key", {"field": "key_id"}
        ) from None


def _policy(message: pb.Policy) -> Policy:
    """Return a policy; what is not given has its default."""
    enabled = not message.HasField("anonymization_enabled") or message.anonymization_enabled
    return Policy(
        anonymization_enabled=enabled,
        mode_when_true=optional_member(Mode, message.mode_when_true, "mode_when_true")
        or _DEFAULT.mode_when_true,
        mode_when_unset=optional_member(Mode, message.mode_when_unset, "mode_when_unset")
        or _DEFAULT.mode_when_unset,
        quorum=message.quorum or _DEFAULT.quorum,
        history_when_true=optional_member(History, message.history_when_true, "history_when_true")
        or _DEFAULT.history_when_true,
        retention_days=message.retention_days or _DEFAULT.retention_days,
    )


def _policy_message(policy: Policy) -> pb.Policy:
    return pb.Policy(
        anonymization_enabled=policy.anonymization_enabled,
        mode_when_true=wire(policy.mode_when_true),
        mode_when_unset=wire(policy.mode_when_unset),
        quorum=policy.quorum,
        history_when_true=wire(policy.history_when_true),
        retention_days=policy.retention_days,
    )


def _policy_change(change: PolicyChange) -> pb.PolicyChange:
    return pb.PolicyChange(
        version=change.version,
        change_time=timestamp(change.valid_from),
        actor=change.actor,
        policy=_policy_message(change.policy),
    )


def _tenant(state: TenantState) -> pb.Tenant:
    return pb.Tenant(
        tenant_id=state.tenant.tenant_id,
        display_name=state.tenant.display_name,
        policy=_policy_message(state.policy),
        create_time=timestamp(state.tenant.create_time),
        folding=_folding(state.folding),
    )


def _folding(folding: PolicyJob | None) -> pb.AnonymizationProgress | None:
    if folding is None:
        return None
    return pb.AnonymizationProgress(
        folded_count=folding.anonymized_events,
        total_count=folding.total_events,
        start_time=timestamp(folding.start_time),
    )


def _api_key(key: ApiKey) -> pb.ApiKey:
    return pb.ApiKey(
        key_id=str(key.number),
        tenant_id=key.tenant_id or "",
        role=wire(key.role),
        display_name=key.display_name,
        create_time=timestamp(key.create_time),
        revoke_time=timestamp(key.revoke_time),
    )
