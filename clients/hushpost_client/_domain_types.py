"""Custom tracking domains."""

from dataclasses import dataclass
from datetime import datetime

__all__ = ["DnsRecord", "TrackingDomain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsRecord:
    """A DNS record to create.

    Attributes:
        name: The full name, without a dot at its end.
        type: "TXT" or "CNAME".
        value: The text of a TXT record, or the host that a CNAME record points to.
    """

    name: str
    type: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingDomain:
    """A name of a tenant that edges serve.

    Attributes:
        domain: The name, in lower case and in ASCII.
        tenant_id: Its tenant.
        create_time: When it was registered, UTC.
        create_actor: The id of the API key that registered it.
        verify_time: When it was verified, UTC; None while it is pending.
        is_default: Whether it is the `default_tracking_domain` of the tenant's policy.
        dns_records: The DNS records that the tenant needs, and that must stay; empty for keys
            that do not have the role ADMIN.
    """

    domain: str
    tenant_id: str
    create_time: datetime
    create_actor: str
    verify_time: datetime | None
    is_default: bool
    dns_records: tuple[DnsRecord, ...]
