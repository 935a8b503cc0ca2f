"""Tenants, policies and keys: what an administrator calls."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from grpc.aio import Channel

from hushpost.v1 import admin_pb2
from hushpost.v1.admin_pb2_grpc import AdminServiceStub
from hushpost_client import _admin_proto
from hushpost_client._admin_types import ApiKey, NewApiKey, PolicyChange, PolicyUpdate, Tenant
from hushpost_client._calls import Calls, request_id_or_new
from hushpost_client._words import Role
from hushpost_client._words_proto import ROLE

__all__ = ["Admin"]


class Admin:
    """Administers tenants. For keys of role ADMIN.

    A key with a tenant administers that tenant, one without the installation.
    Each write that could count twice takes a `request_id`, a UUID that makes a
    repeated call count once, and makes one itself if it is None. `timeout` is in
    seconds, retries included; None for the client's. All methods raise
    `HushpostError`; the reasons to expect are listed, TENANT_NOT_ALLOWED aside.
    """

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._stub = AdminServiceStub(channel)
        self._calls = calls

    async def create_tenant(
        self,
        tenant_id: str,
        *,
        display_name: str = "",
        policy: PolicyUpdate | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> Tenant:
        """Create a tenant; what `policy` leaves out takes the default.

        Reasons: ID_INVALID, FIELD_INVALID, TENANT_ALREADY_EXISTS,
        REQUEST_ID_INVALID.
        """
        request = admin_pb2.CreateTenantRequest(
            tenant_id=tenant_id,
            display_name=display_name,
            policy=_admin_proto.policy_message(policy or PolicyUpdate()),
            request_id=request_id_or_new(request_id),
        )
        answer = await self._calls.unary(self._stub.CreateTenant, request, timeout)
        return _admin_proto.tenant(answer.tenant)

    async def get_tenant(self, tenant_id: str = "", *, timeout: float | None = None) -> Tenant:
        """Answer a tenant (empty: the key's) with its policy and folding job.

        Reasons: TENANT_NOT_FOUND.
        """
        request = admin_pb2.GetTenantRequest(tenant_id=tenant_id)
        answer = await self._calls.unary(self._stub.GetTenant, request, timeout)
        return _admin_proto.tenant(answer.tenant)

    async def update_policy(
        self,
        policy: PolicyUpdate,
        *,
        tenant_id: str = "",
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> Tenant:
        """Change parts of a tenant's policy.

        A stricter policy holds for every event committed after the answer;
        events of the past are folded by a job whose progress `get_tenant`
        answers. A looser one applies to campaigns created afterwards.

        Reasons: TENANT_NOT_FOUND, UPDATE_MASK_INVALID (nothing to change),
        FIELD_INVALID, REQUEST_ID_INVALID.
        """
        request = admin_pb2.UpdatePolicyRequest(
            tenant_id=tenant_id,
            policy=_admin_proto.policy_message(policy),
            update_mask=FieldMask(paths=_admin_proto.changed_fields(policy)),
            request_id=request_id_or_new(request_id),
        )
        answer = await self._calls.unary(self._stub.UpdatePolicy, request, timeout)
        return _admin_proto.tenant(answer.tenant)

    async def list_policy_changes(
        self, *, page_size: int = 0, tenant_id: str = "", timeout: float | None = None
    ) -> AsyncGenerator[PolicyChange, None]:
        """Go through the policies that a tenant has had, oldest first.

        The proof of when quorum or modes changed, and by whose key. Pages are
        fetched on the way: `page_size` (0 means 100, at most 1,000) and
        `timeout` are for each.

        Reasons: TENANT_NOT_FOUND, PAGE_SIZE_INVALID.
        """

        async def fetch(page_token: str) -> admin_pb2.ListPolicyChangesResponse:
            request = admin_pb2.ListPolicyChangesRequest(
                tenant_id=tenant_id, page_size=page_size, page_token=page_token
            )
            return await self._calls.unary(self._stub.ListPolicyChanges, request, timeout)

        async with aclosing(self._calls.pages(fetch)) as pages:
            async for page in pages:
                for change in page.changes:
                    yield _admin_proto.policy_change(change)

    async def create_api_key(
        self,
        role: Role,
        *,
        tenant_id: str = "",
        display_name: str = "",
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> NewApiKey:
        """Create an API key and answer its secret, this once.

        Args:
            role: What it may do.
            tenant_id: Whose. Empty: the key's tenant. Must be empty for EDGE,
                and for an ADMIN of the installation.
            display_name: A name for people. At most 256 bytes.
            request_id: A UUID; None for a fresh one.
            timeout: Seconds, retries included; None for the client's.

        Reasons: FIELD_INVALID, TENANT_NOT_FOUND, REQUEST_ID_INVALID.
        """
        request = admin_pb2.CreateApiKeyRequest(
            tenant_id=tenant_id,
            role=ROLE.number(role),
            display_name=display_name,
            request_id=request_id_or_new(request_id),
        )
        answer = await self._calls.unary(self._stub.CreateApiKey, request, timeout)
        return NewApiKey(_admin_proto.api_key(answer.api_key), answer.secret or None)

    async def list_api_keys(
        self, *, page_size: int = 0, tenant_id: str = "", timeout: float | None = None
    ) -> AsyncGenerator[ApiKey, None]:
        """Go through API keys, oldest first, revoked ones included.

        Pages are fetched on the way: `page_size` (0 means 100, at most 1,000)
        and `timeout` are for each.

        Reasons: PAGE_SIZE_INVALID.
        """

        async def fetch(page_token: str) -> admin_pb2.ListApiKeysResponse:
            request = admin_pb2.ListApiKeysRequest(
                tenant_id=tenant_id, page_size=page_size, page_token=page_token
            )
            return await self._calls.unary(self._stub.ListApiKeys, request, timeout)

        async with aclosing(self._calls.pages(fetch)) as pages:
            async for page in pages:
                for key in page.api_keys:
                    yield _admin_proto.api_key(key)

    async def revoke_api_key(self, key_id: str, *, timeout: float | None = None) -> ApiKey:
        """Revoke an API key, for good; every process refuses it within five seconds.

        Reasons: API_KEY_NOT_FOUND.
        """
        request = admin_pb2.RevokeApiKeyRequest(key_id=key_id)
        answer = await self._calls.unary(self._stub.RevokeApiKey, request, timeout)
        return _admin_proto.api_key(answer.api_key)
