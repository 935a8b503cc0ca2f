"""Converts tracking domains from the wire."""

from hushpost.v1 import domain_pb2
from hushpost_client._domain_types import DnsRecord, TrackingDomain
from hushpost_client._enums_proto import from_timestamp

__all__ = ["tracking_domain"]


def tracking_domain(message: domain_pb2.TrackingDomain) -> TrackingDomain:
    """Convert a tracking domain."""
    is_verified = message.HasField("verify_time")
    return TrackingDomain(
        domain=message.domain,
        tenant_id=message.tenant_id,
        create_time=from_timestamp(message.create_time),
        create_actor=message.create_actor,
        verify_time=from_timestamp(message.verify_time) if is_verified else None,
        is_default=message.is_default,
        dns_records=tuple(
            DnsRecord(name=record.name, type=record.type, value=record.value)
            for record in message.dns_records
        ),
    )
