# Generated from _async/domains.py by `make sync-client`; do not edit.
"""Custom tracking domains."""

from collections.abc import Generator
from contextlib import closing
from uuid import UUID

from grpc import Channel

from hushpost.v1 import domain_pb2
from hushpost.v1.domain_pb2_grpc import DomainServiceStub
from hushpost_client import _domain_proto
from hushpost_client._domain_types import TrackingDomain
from hushpost_client._sync.calls import Calls, request_id_or_new

__all__ = ["Domains"]


class Domains:
    """Manages custom tracking domains: names of a tenant that edges serve.

    Requires a key of role ADMIN; keys of role SENDER and EDGE may list verified domains. Names
    may be given in Unicode and in any case. `tenant_id` is the tenant to act on, None for
    the key's own; `timeout` is in seconds, including retries, None for the client's timeout.

    All methods raise `HushpostError`. Their docstrings list the reasons to expect;
    TENANT_NOT_ALLOWED and TENANT_NOT_FOUND are possible everywhere.
    """

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._stub = DomainServiceStub(channel)
        self._calls = calls

    def add_tracking_domain(
        self,
        domain: str,
        *,
        tenant_id: str | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> TrackingDomain:
        """Register a domain, which is pending; `dns_records` says what to create.

        A domain that the tenant has already is returned unchanged.

        Reasons: DOMAIN_INVALID, LIMIT_EXCEEDED, REQUEST_ID_INVALID, REQUEST_ID_REUSED.
        """
        request = domain_pb2.AddTrackingDomainRequest(
            tenant_id=tenant_id or "",
            domain=domain,
            request_id=request_id_or_new(request_id),
        )
        response = self._calls.unary(self._stub.AddTrackingDomain, request, timeout)
        return _domain_proto.tracking_domain(response.domain)

    def check_tracking_domain(
        self, domain: str, *, tenant_id: str | None = None, timeout: float | None = None
    ) -> TrackingDomain:
        """Let the authority look up the TXT record of a domain, and verify the domain.

        Reasons: DOMAIN_INVALID, DOMAIN_NOT_FOUND, DOMAIN_NOT_VERIFIED (`cause` in the metadata),
        DOMAIN_TAKEN, OVERLOADED.
        """
        request = domain_pb2.CheckTrackingDomainRequest(tenant_id=tenant_id or "", domain=domain)
        response = self._calls.unary(self._stub.CheckTrackingDomain, request, timeout)
        return _domain_proto.tracking_domain(response.domain)

    def list_tracking_domains(
        self,
        *,
        page_size: int | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> Generator[TrackingDomain, None, None]:
        """Iterate over domains, by tenant and sorted by name.

        With a key that is not for one tenant, `tenant_id=None` lists the domains of all tenants
        that the key is for. Pages are fetched on demand; `page_size` (default 100, at most
        1,000) and `timeout` apply to each.

        Reasons: PAGE_SIZE_INVALID.
        """

        def fetch(page_token: str) -> domain_pb2.ListTrackingDomainsResponse:
            request = domain_pb2.ListTrackingDomainsRequest(
                tenant_id=tenant_id or "", page_size=page_size or 0, page_token=page_token
            )
            return self._calls.unary(self._stub.ListTrackingDomains, request, timeout)

        with closing(self._calls.pages(fetch)) as pages:
            for page in pages:
                for domain in page.domains:
                    yield _domain_proto.tracking_domain(domain)

    def remove_tracking_domain(
        self,
        domain: str,
        *,
        tenant_id: str | None = None,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Remove a domain. Links in mail that was sent with it will stop working.

        Reasons: DOMAIN_INVALID, DOMAIN_NOT_FOUND, REQUEST_ID_INVALID, REQUEST_ID_REUSED.
        """
        request = domain_pb2.RemoveTrackingDomainRequest(
            tenant_id=tenant_id or "",
            domain=domain,
            request_id=request_id_or_new(request_id),
        )
        self._calls.unary(self._stub.RemoveTrackingDomain, request, timeout)
