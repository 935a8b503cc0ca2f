"""DomainService: custom tracking domains."""

from typing import Any

import grpc

from hushpost.v1 import domain_pb2 as pb
from hushpost.v1.domain_pb2_grpc import DomainServiceServicer
from hushpost_service.admin.caller import Caller
from hushpost_service.admin.service import Admin
from hushpost_service.admin.tracking_domains import DnsRecord, TrackingDomains
from hushpost_service.domain.errors import tenant_not_allowed
from hushpost_service.domain.roles import Role
from hushpost_service.domain.validation import checked_page_size, checked_request_id
from hushpost_service.rpc.convert import timestamp
from hushpost_service.rpc.interceptors.authentication import current_caller
from hushpost_service.rpc.paging import invalid_page_token, text_page_start, text_page_token
from hushpost_service.storage.tracking_domains import DomainPage, TrackingDomain

__all__ = ["DomainServicer"]

Context = grpc.aio.ServicerContext[Any, Any]

_MAX_TENANT = 2**31 - 1


class DomainServicer(DomainServiceServicer):
    """Serves DomainService."""

    def __init__(self, domains: TrackingDomains, admin: Admin) -> None:
        self._domains = domains
        self._admin = admin

    async def AddTrackingDomain(
        self, request: pb.AddTrackingDomainRequest, context: Context
    ) -> pb.AddTrackingDomainResponse:
        """Register a domain."""
        caller = current_caller()
        domain = await self._domains.add(
            await self._tenant(caller, request.tenant_id),
            request.domain,
            actor=caller.actor,
            request=checked_request_id(request.request_id),
        )
        return pb.AddTrackingDomainResponse(domain=self._with_records(domain))

    async def CheckTrackingDomain(
        self, request: pb.CheckTrackingDomainRequest, context: Context
    ) -> pb.CheckTrackingDomainResponse:
        """Verify a domain."""
        tenant = await self._tenant(current_caller(), request.tenant_id)
        domain = await self._domains.check(tenant, request.domain)
        return pb.CheckTrackingDomainResponse(domain=self._with_records(domain))

    async def ListTrackingDomains(
        self, request: pb.ListTrackingDomainsRequest, context: Context
    ) -> pb.ListTrackingDomainsResponse:
        """Return a page of the domains that the key may see."""
        caller = current_caller()
        is_admin = caller.key.role is Role.ADMIN
        size = checked_page_size(request.page_size)
        found = await self._domains.list_domains(
            DomainPage(
                tenants=await self._tenants(caller, request.tenant_id),
                only_verified=not is_admin,
                after=_page_start(request.page_token),
                limit=size + 1,
            )
        )
        page = found[:size]
        convert = self._with_records if is_admin else _message
        return pb.ListTrackingDomainsResponse(
            domains=map(convert, page),
            next_page_token=text_page_token("domains", page[-1].tenant, page[-1].domain)
            if found[size:]
            else "",
        )

    async def RemoveTrackingDomain(
        self, request: pb.RemoveTrackingDomainRequest, context: Context
    ) -> pb.RemoveTrackingDomainResponse:
        """Remove a domain."""
        await self._domains.remove(
            await self._tenant(current_caller(), request.tenant_id),
            request.domain,
            request=checked_request_id(request.request_id),
        )
        return pb.RemoveTrackingDomainResponse()

    async def _tenant(self, caller: Caller, tenant_id: str) -> int:
        """Return the number of the tenant to administer."""
        named = caller.administered_tenant_id(tenant_id)
        if caller.key.tenant is not None:
            return caller.key.tenant
        (number,) = await self._admin.tenant_numbers([named])
        return number

    async def _tenants(self, caller: Caller, tenant_id: str) -> frozenset[int] | None:
        """Return the tenants whose domains to list; None for all."""
        if caller.key.role is Role.EDGE:
            if tenant_id:
                raise tenant_not_allowed()
            return caller.edge_tenants
        if caller.is_installation and not tenant_id:
            return None
        return frozenset((await self._tenant(caller, tenant_id),))

    def _with_records(self, domain: TrackingDomain) -> pb.TrackingDomain:
        return _message(domain, *self._domains.records(domain))


def _page_start(token: str) -> tuple[int, str]:
    name, tenant = text_page_start("domains", token) or ("", 0)
    if tenant > _MAX_TENANT:
        raise invalid_page_token()
    return tenant, name


def _message(domain: TrackingDomain, *records: DnsRecord) -> pb.TrackingDomain:
    return pb.TrackingDomain(
        domain=domain.domain,
        tenant_id=domain.tenant_id,
        create_time=timestamp(domain.create_time),
        create_actor=domain.create_actor,
        verify_time=timestamp(domain.verify_time),
        is_default=domain.is_default,
        dns_records=[
            pb.DnsRecord(name=record.name, type=record.kind, value=record.value)
            for record in records
        ],
    )
