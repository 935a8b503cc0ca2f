"""Registers tracking domains, and verifies that their tenants control them."""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog

from hushpost_service.admin.txt_lookup import TxtLookup, TxtLookupError
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.tracking_domain_names import PROOF_LABEL, checked_domain
from hushpost_service.storage import request_ids, tenants
from hushpost_service.storage import tracking_domains as storage
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.request_ids import Method
from hushpost_service.storage.tracking_domains import DomainPage, TrackingDomain

__all__ = ["DnsRecord", "TrackingDomains"]

_log = structlog.get_logger(__name__)

_MAX_DOMAINS = 100
_PROOF_BYTES = 16


class DnsRecord(NamedTuple):
    """A DNS record that a tenant creates."""

    name: str
    kind: str
    value: str


class TrackingDomains:
    """The tracking domains of all tenants.

    A domain is verified by a TXT record with a random value, which the authority chose for this
    tenant and this name. So a tenant cannot use the record of another one.

    Args:
        database: The database.
        lookup: The DNS.
        edge_host: The host that CNAME records of tracking domains point to, or None.
        clock: Returns the current time.
    """

    def __init__(
        self,
        database: Database,
        lookup: TxtLookup,
        edge_host: str | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._lookup = lookup
        self._edge_host = edge_host
        self._clock = clock

    def records(self, domain: TrackingDomain) -> list[DnsRecord]:
        """Return the DNS records of a domain."""
        proof = DnsRecord(f"{PROOF_LABEL}.{domain.domain}", "TXT", _proof_text(domain))
        if self._edge_host is None:
            return [proof]
        return [proof, DnsRecord(domain.domain, "CNAME", self._edge_host)]

    async def add(
        self, tenant: int, name: str, *, actor: str, request: UUID | None
    ) -> TrackingDomain:
        """Register a domain; return the one that the tenant has already, if so.

        Raises DOMAIN_INVALID, LIMIT_EXCEEDED, REQUEST_ID_REUSED; DOMAIN_NOT_FOUND if the request is
        repeated after the domain was removed.

        Args:
            tenant: The tenant.
            name: The name, in any spelling.
            actor: The API key's id.
            request: The idempotency key.
        """
        domain = checked_domain(name)

        async def work(connection: Connection) -> TrackingDomain:
            await tenants.lock_tenant(connection, tenant)
            content, now = {"domain": domain}, self._clock()
            if await request_ids.claim(
                connection, tenant, Method.ADD_TRACKING_DOMAIN, request, content, now
            ):
                proof = secrets.token_hex(_PROOF_BYTES)
                await storage.insert_domain(connection, tenant, domain, proof, actor)
            if await storage.count_domains(connection, tenant) > _MAX_DOMAINS:
                raise HushpostError(
                    Reason.LIMIT_EXCEEDED,
                    f"a tenant can have at most {_MAX_DOMAINS} tracking domains",
                    {"field": "domain", "limit": str(_MAX_DOMAINS)},
                )
            return await _registered(connection, tenant, domain)

        return await self._database.transact("add tracking domain", work)

    async def check(self, tenant: int, name: str) -> TrackingDomain:
        """Verify a domain by its TXT record; return it.

        Raises DOMAIN_INVALID, DOMAIN_NOT_FOUND, DOMAIN_NOT_VERIFIED, DOMAIN_TAKEN, OVERLOADED.
        """
        domain = checked_domain(name)
        async with self._database.connection("get tracking domain") as connection:
            pending = await _registered(connection, tenant, domain)
        if pending.verify_time is not None:
            return pending
        texts = await self._texts(tenant, domain)
        if _proof_text(pending) not in texts:
            raise _not_verified(
                "OTHER_RECORDS" if texts else "NO_RECORD",
                f"no TXT record of {PROOF_LABEL}.{domain} has the value "
                f"{_proof_text(pending)}; new records can take minutes to be seen",
            )

        async def work(connection: Connection) -> tuple[TrackingDomain, TrackingDomain | None]:
            await storage.lock_verifications(connection)
            if (await _registered(connection, tenant, domain)).proof != pending.proof:
                raise _not_found()  # it was removed and registered again
            holder = await storage.verified_by_other(connection, tenant, domain)
            if holder is not None:
                if _proof_text(holder) in texts:
                    raise HushpostError(
                        Reason.DOMAIN_TAKEN,
                        f"another tenant has verified {domain}, and its TXT record of "
                        f"{PROOF_LABEL}.{domain} still exists; remove it first",
                    )
                await storage.set_pending(connection, holder.tenant, domain)
            await storage.set_verified(connection, tenant, domain)
            return await _registered(connection, tenant, domain), holder

        verified, earlier = await self._database.transact("verify tracking domain", work)
        if earlier is not None:
            _log.warning("a tracking domain changed hands", tenant=earlier.tenant)
        return verified

    async def remove(self, tenant: int, name: str, *, request: UUID | None) -> None:
        """Remove a domain. Raises DOMAIN_INVALID, DOMAIN_NOT_FOUND, REQUEST_ID_REUSED."""
        domain = checked_domain(name)

        async def work(connection: Connection) -> None:
            content, now = {"domain": domain}, self._clock()
            is_new = await request_ids.claim(
                connection, tenant, Method.REMOVE_TRACKING_DOMAIN, request, content, now
            )
            if is_new and not await storage.delete_domain(connection, tenant, domain):
                raise _not_found()

        await self._database.transact("remove tracking domain", work)

    async def list_domains(self, page: DomainPage) -> list[TrackingDomain]:
        """Return a page of domains."""
        async with self._database.connection("list tracking domains") as connection:
            return await storage.list_domains(connection, page)

    async def _texts(self, tenant: int, domain: str) -> list[str]:
        try:
            return await self._lookup.texts(tenant, f"{PROOF_LABEL}.{domain}")
        except TxtLookupError:
            raise _not_verified(
                "LOOKUP_FAILED",
                f"the DNS look-up of {PROOF_LABEL}.{domain} failed; check the name servers of "
                "the domain, and retry later",
            ) from None


async def _registered(connection: Connection, tenant: int, domain: str) -> TrackingDomain:
    found = await storage.domain(connection, tenant, domain)
    if found is None:
        raise _not_found()
    return found


def _proof_text(domain: TrackingDomain) -> str:
    return f"hushpost-domain={domain.proof}"


def _not_found() -> HushpostError:
    return HushpostError(Reason.DOMAIN_NOT_FOUND, "the tenant has not registered this domain")


def _not_verified(cause: str, message: str) -> HushpostError:
    return HushpostError(Reason.DOMAIN_NOT_VERIFIED, message, {"cause": cause})
