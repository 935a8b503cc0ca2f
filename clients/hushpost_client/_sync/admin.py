# Generated from _async/admin.py by `make sync-client`; do not edit.
"""Tenants, policies and API keys."""

from collections.abc import Collection, Generator
from contextlib import closing
from datetime import datetime
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from grpc import Channel

from hushpost.v1 import admin_pb2
from hushpost.v1.admin_pb2_grpc import AdminServiceStub
from hushpost_client import _admin_proto
from hushpost_client._admin_types import (
    ApiKey,
    NewApiKey,
    PolicyChange,
    PolicyUpdate,
    Tenant,
    TenantSummary,
)
from hushpost_client._enums import Role
from hushpost_client._enums_proto import ROLE, set_timestamp
from hushpost_client._sync.calls import Calls, request_id_or_new

__all__ = ["Admin"]


class Admin:
    """Manages tenants, policies and API keys. Requires a key of role ADMIN.

    A key with a tenant manages that tenant, a key without one the whole installation.
    These arguments are the same in all methods:

    - `tenant_id`: the tenant to act on; None for the key's own.
    - `request_id`: a UUID that makes a repeated write count once (an idempotency key);
      None generates one.
    - `timeout`: seconds, including retries; None for the client's timeout.

    All methods raise `HushpostError`. Their docstrings list the reasons to expect;
    TENANT_NOT_ALLOWED is possible everywhere.
    """

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._stub = AdminServiceStub(channel)
        self._calls = calls

    def create_tenant(
        self,
        tenant_id: str,
        *,
        display_name: str | None = None,
        policy: PolicyUpdate | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> Tenant:
        """Create a tenant. Requires a key of the installation.

        Args:
            tenant_id: 1 to 64 lower-case letters, digits, hyphens and underscores;
                starts with a letter or digit.
            display_name: A human-readable name of at most 256 bytes.
            policy: The settings that differ from the default policy.
            request_id: A random UUID for this request only; None generates one.
            timeout: Seconds, including retries; None for the client's timeout.

        Reasons: ID_INVALID, FIELD_INVALID, TENANT_ALREADY_EXISTS,
        REQUEST_ID_INVALID, REQUEST_ID_REUSED.
        """
        request = admin_pb2.CreateTenantRequest(
            tenant_id=tenant_id,
            display_name=display_name or "",
            policy=_admin_proto.policy_message(policy or PolicyUpdate()),
            request_id=request_id_or_new(request_id),
        )
        response = self._calls.unary(self._stub.CreateTenant, request, timeout)
        return _admin_proto.tenant(response.tenant)

    def get_tenant(self, tenant_id: str | None = None, *, timeout: float | None = None) -> Tenant:
        """Return a tenant with its policy and anonymization job.

        Reasons: TENANT_NOT_FOUND.
        """
        request = admin_pb2.GetTenantRequest(tenant_id=tenant_id or "")
        response = self._calls.unary(self._stub.GetTenant, request, timeout)
        return _admin_proto.tenant(response.tenant)

    def list_tenants(
        self, *, page_size: int | None = None, timeout: float | None = None
    ) -> Generator[TenantSummary, None, None]:
        """Iterate over the tenants of the installation, sorted by id as bytes.

        With a key of one tenant, that is the only one. Pages are fetched on demand;
        `page_size` (default 100, at most 1,000) and `timeout` apply to each.

        Reasons: PAGE_SIZE_INVALID.
        """

        def fetch(page_token: str) -> admin_pb2.ListTenantsResponse:
            request = admin_pb2.ListTenantsRequest(page_size=page_size or 0, page_token=page_token)
            return self._calls.unary(self._stub.ListTenants, request, timeout)

        with closing(self._calls.pages(fetch)) as pages:
            for page in pages:
                for tenant in page.tenants:
                    yield _admin_proto.tenant_summary(tenant)

    def update_policy(
        self,
        policy: PolicyUpdate,
        *,
        tenant_id: str | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> Tenant:
        """Change settings of a tenant's policy.

        A stricter policy applies to every event that is committed after this returns;
        a job anonymizes earlier events, and `get_tenant` returns its progress. A looser
        policy applies to campaigns created afterwards.

        Reasons: TENANT_NOT_FOUND, UPDATE_MASK_INVALID (nothing to change),
        FIELD_INVALID, DOMAIN_NOT_FOUND, DOMAIN_NOT_VERIFIED, REQUEST_ID_INVALID,
        REQUEST_ID_REUSED.
        """
        request = admin_pb2.UpdatePolicyRequest(
            tenant_id=tenant_id or "",
            policy=_admin_proto.policy_message(policy),
            update_mask=FieldMask(paths=_admin_proto.changed_fields(policy)),
            request_id=request_id_or_new(request_id),
        )
        response = self._calls.unary(self._stub.UpdatePolicy, request, timeout)
        return _admin_proto.tenant(response.tenant)

    def list_policy_changes(
        self,
        *,
        page_size: int | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> Generator[PolicyChange, None, None]:
        """Iterate over the audit log of a tenant's policy, oldest entry first.

        It proves when modes or releases changed, and by which API key. Pages are fetched
        on demand; `page_size` (default 100, at most 1,000) and `timeout` apply to each.

        Reasons: TENANT_NOT_FOUND, PAGE_SIZE_INVALID.
        """

        def fetch(page_token: str) -> admin_pb2.ListPolicyChangesResponse:
            request = admin_pb2.ListPolicyChangesRequest(
                tenant_id=tenant_id or "", page_size=page_size or 0, page_token=page_token
            )
            return self._calls.unary(self._stub.ListPolicyChanges, request, timeout)

        with closing(self._calls.pages(fetch)) as pages:
            for page in pages:
                for change in page.changes:
                    yield _admin_proto.policy_change(change)

    def create_api_key(
        self,
        role: Role,
        *,
        tenant_id: str | None = None,
        display_name: str | None = None,
        edge_tenant_ids: Collection[str] = (),
        expire_time: datetime | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> NewApiKey:
        """Create an API key. Only this call returns its secret.

        Args:
            role: What the key may do.
            tenant_id: The tenant of the new key; None for that of the calling key.
                With a key of the installation, None creates a key without a tenant:
                required for EDGE, and for an ADMIN of the installation.
            display_name: A human-readable name of at most 256 bytes.
            edge_tenant_ids: For role EDGE, the tenants that the key is limited to, at
                most 1,000; empty for all.
            expire_time: When the key expires, with a time zone; None for never.
            request_id: A random UUID for this request only; None generates one.
            timeout: Seconds, including retries; None for the client's timeout.

        Reasons: FIELD_INVALID, TENANT_NOT_FOUND, REQUEST_ID_INVALID,
        REQUEST_ID_REUSED.
        """
        request = admin_pb2.CreateApiKeyRequest(
            tenant_id=tenant_id or "",
            role=ROLE.to_wire(role),
            display_name=display_name or "",
            edge_tenant_ids=edge_tenant_ids,
            request_id=request_id_or_new(request_id),
        )
        if expire_time is not None:
            set_timestamp(request.expire_time, expire_time)
        response = self._calls.unary(self._stub.CreateApiKey, request, timeout)
        return _admin_proto.new_api_key(response)

    def list_api_keys(
        self,
        *,
        page_size: int | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> Generator[ApiKey, None, None]:
        """Iterate over API keys, oldest first, including revoked ones.

        With a key of the installation, `tenant_id=None` lists the keys of all tenants.
        Pages are fetched on demand; `page_size` (default 100, at most 1,000) and
        `timeout` apply to each.

        Reasons: PAGE_SIZE_INVALID.
        """

        def fetch(page_token: str) -> admin_pb2.ListApiKeysResponse:
            request = admin_pb2.ListApiKeysRequest(
                tenant_id=tenant_id or "", page_size=page_size or 0, page_token=page_token
            )
            return self._calls.unary(self._stub.ListApiKeys, request, timeout)

        with closing(self._calls.pages(fetch)) as pages:
            for page in pages:
                for key in page.api_keys:
                    yield _admin_proto.api_key(key)

    def revoke_api_key(self, key_id: str, *, timeout: float | None = None) -> ApiKey:
        """Revoke an API key permanently. All processes reject it within one second.

        Reasons: API_KEY_NOT_FOUND.
        """
        request = admin_pb2.RevokeApiKeyRequest(key_id=key_id)
        response = self._calls.unary(self._stub.RevokeApiKey, request, timeout)
        return _admin_proto.api_key(response.api_key)
