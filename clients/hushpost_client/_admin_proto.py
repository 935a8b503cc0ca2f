"""Tenants and keys as they are on the wire."""

from hushpost.v1 import admin_pb2
from hushpost_client._admin_types import (
    AnonymizationProgress,
    ApiKey,
    Policy,
    PolicyChange,
    PolicyUpdate,
    Tenant,
)
from hushpost_client._words import History, Mode
from hushpost_client._words_proto import HISTORY, MODE, ROLE, from_timestamp

__all__ = ["api_key", "changed_fields", "policy_change", "policy_message", "tenant"]


def policy_message(update: PolicyUpdate) -> admin_pb2.Policy:
    """Convert what to set in a policy."""
    return admin_pb2.Policy(
        anonymization_enabled=update.anonymization_enabled,
        mode_when_true=MODE.number(update.mode_when_true or Mode.UNSPECIFIED),
        mode_when_unset=MODE.number(update.mode_when_unset or Mode.UNSPECIFIED),
        quorum=update.quorum or 0,
        history_when_true=HISTORY.number(update.history_when_true or History.UNSPECIFIED),
        retention_days=update.retention_days or 0,
    )


def changed_fields(update: PolicyUpdate) -> list[str]:
    """Answer the field mask of an update; the settings are named as their fields are."""
    return [name for name in PolicyUpdate.__slots__ if getattr(update, name) is not None]


def tenant(message: admin_pb2.Tenant) -> Tenant:
    """Convert a tenant."""
    return Tenant(
        message.tenant_id,
        message.display_name,
        _policy(message.policy),
        from_timestamp(message.create_time),
        _folding(message.folding) if message.HasField("folding") else None,
    )


def policy_change(message: admin_pb2.PolicyChange) -> PolicyChange:
    """Convert an entry of a tenant's policies."""
    return PolicyChange(
        message.version,
        from_timestamp(message.change_time),
        message.actor,
        _policy(message.policy),
    )


def api_key(message: admin_pb2.ApiKey) -> ApiKey:
    """Convert a key."""
    return ApiKey(
        message.key_id,
        message.tenant_id,
        ROLE.word(message.role),
        message.display_name,
        from_timestamp(message.create_time),
        from_timestamp(message.revoke_time) if message.HasField("revoke_time") else None,
    )


def _policy(message: admin_pb2.Policy) -> Policy:
    return Policy(
        anonymization_enabled=message.anonymization_enabled,
        mode_when_true=MODE.word(message.mode_when_true),
        mode_when_unset=MODE.word(message.mode_when_unset),
        quorum=message.quorum,
        history_when_true=HISTORY.word(message.history_when_true),
        retention_days=message.retention_days,
    )


def _folding(message: admin_pb2.AnonymizationProgress) -> AnonymizationProgress:
    return AnonymizationProgress(
        message.folded_count, message.total_count, from_timestamp(message.start_time)
    )
