"""Converts tenants, policies and API keys to and from the wire."""

from datetime import datetime, timedelta
from typing import Literal

from google.protobuf.duration_pb2 import Duration

from hushpost.v1 import admin_pb2
from hushpost_client._admin_types import (
    AnonymizationProgress,
    ApiKey,
    ConsentModes,
    NewApiKey,
    Policy,
    PolicyChange,
    PolicyUpdate,
    Tenant,
    TenantSummary,
)
from hushpost_client._branding_proto import branding_message, changed_branding, page_branding
from hushpost_client._branding_types import PageBranding
from hushpost_client._enums_proto import HISTORY, MODE, RELEASE, ROLE, from_timestamp

__all__ = [
    "api_key",
    "changed_fields",
    "new_api_key",
    "policy_change",
    "policy_message",
    "tenant",
    "tenant_summary",
]


def policy_message(update: PolicyUpdate) -> admin_pb2.Policy:
    """Convert the settings of an update."""
    return admin_pb2.Policy(
        anonymization_enabled=update.anonymization_enabled,
        mode_when_true=MODE.to_wire(update.mode_when_true),
        mode_when_unset=MODE.to_wire(update.mode_when_unset),
        history_when_true=HISTORY.to_wire(update.history_when_true),
        retention_days=update.retention_days or 0,
        release=RELEASE.to_wire(update.release),
        epsilon=update.epsilon or 0,
        release_delays=map(_duration, update.release_delays or ()),
        max_anonymous_messages=update.max_anonymous_messages or 0,
        opens_modes=_modes_message(update.opens_modes or ConsentModes()),
        clicks_modes=_modes_message(update.clicks_modes or ConsentModes()),
        reask_after_days=update.reask_after_days or 0,
        record_last_opens=update.record_last_opens,
        branding=branding_message(update.branding or PageBranding()),
        default_tracking_domain=update.default_tracking_domain or "",
    )


def changed_fields(update: PolicyUpdate) -> list[str]:
    """Return the field mask of an update; its settings have the names of the proto's fields."""
    paths: list[str] = []
    for name in PolicyUpdate.__slots__:
        value = getattr(update, name)
        if isinstance(value, ConsentModes):
            nested = ConsentModes.__slots__
            paths += [f"{name}.{mode}" for mode in nested if getattr(value, mode) is not None]
        elif isinstance(value, PageBranding):
            paths += [f"{name}.{changed}" for changed in changed_branding(value)]
        elif value is not None:
            paths.append(name)
    return paths


def tenant(message: admin_pb2.Tenant) -> Tenant:
    """Convert a tenant."""
    return Tenant(
        tenant_id=message.tenant_id,
        display_name=message.display_name or None,
        policy=_policy(message.policy),
        create_time=from_timestamp(message.create_time),
        anonymization=_progress(message.folding) if message.HasField("folding") else None,
    )


def policy_change(message: admin_pb2.PolicyChange) -> PolicyChange:
    """Convert an entry of the audit log of a policy."""
    return PolicyChange(
        version=message.version,
        change_time=from_timestamp(message.change_time),
        actor=message.actor,
        policy=_policy(message.policy),
    )


def tenant_summary(message: admin_pb2.TenantSummary) -> TenantSummary:
    """Convert a tenant of a list."""
    return TenantSummary(
        tenant_id=message.tenant_id,
        display_name=message.display_name or None,
        create_time=from_timestamp(message.create_time),
    )


def api_key(message: admin_pb2.ApiKey) -> ApiKey:
    """Convert an API key."""
    return ApiKey(
        key_id=message.key_id,
        tenant_id=message.tenant_id or None,
        role=ROLE.from_wire(message.role),
        display_name=message.display_name or None,
        create_time=from_timestamp(message.create_time),
        create_actor=message.create_actor,
        edge_tenant_ids=tuple(message.edge_tenant_ids),
        expire_time=_optional_time(message, "expire_time"),
        last_used_time=_optional_time(message, "last_used_time"),
        revoke_time=_optional_time(message, "revoke_time"),
        revoke_actor=message.revoke_actor or None,
    )


def new_api_key(response: admin_pb2.CreateApiKeyResponse) -> NewApiKey:
    """Convert an API key that was just created."""
    return NewApiKey(api_key=api_key(response.api_key), secret=response.secret or None)


def _optional_time(
    message: admin_pb2.ApiKey, field: Literal["expire_time", "last_used_time", "revoke_time"]
) -> datetime | None:
    return from_timestamp(getattr(message, field)) if message.HasField(field) else None


def _policy(message: admin_pb2.Policy) -> Policy:
    return Policy(
        anonymization_enabled=message.anonymization_enabled,
        opens_modes=_modes(message.opens_modes),
        clicks_modes=_modes(message.clicks_modes),
        mode_when_true=MODE.from_wire(message.mode_when_true),
        mode_when_unset=MODE.from_wire(message.mode_when_unset),
        history_when_true=HISTORY.from_wire(message.history_when_true),
        retention_days=message.retention_days,
        release=RELEASE.from_wire(message.release),
        epsilon=message.epsilon,
        release_delays=tuple(delay.ToTimedelta() for delay in message.release_delays),
        max_anonymous_messages=message.max_anonymous_messages,
        reask_after_days=message.reask_after_days,
        record_last_opens=message.record_last_opens,
        branding=page_branding(message.branding),
        default_tracking_domain=message.default_tracking_domain or None,
    )


def _modes_message(modes: ConsentModes) -> admin_pb2.ConsentModes:
    return admin_pb2.ConsentModes(
        when_unknown=MODE.to_wire(modes.when_unknown),
        when_denied=MODE.to_wire(modes.when_denied),
        when_withdrawn=MODE.to_wire(modes.when_withdrawn),
    )


def _modes(message: admin_pb2.ConsentModes) -> ConsentModes:
    return ConsentModes(
        when_unknown=MODE.from_wire(message.when_unknown),
        when_denied=MODE.from_wire(message.when_denied),
        when_withdrawn=MODE.from_wire(message.when_withdrawn),
    )


def _duration(delay: timedelta) -> Duration:
    message = Duration()
    message.FromTimedelta(delay)
    return message


def _progress(message: admin_pb2.AnonymizationProgress) -> AnonymizationProgress:
    return AnonymizationProgress(
        anonymized_count=message.folded_count,
        total_count=message.total_count,
        start_time=from_timestamp(message.start_time),
    )
