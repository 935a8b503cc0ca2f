"""Tenants, their policy and their keys."""

from dataclasses import dataclass, field
from datetime import datetime

from hushpost_client._words import History, Mode, Role

__all__ = [
    "AnonymizationProgress",
    "ApiKey",
    "NewApiKey",
    "Policy",
    "PolicyChange",
    "PolicyUpdate",
    "Tenant",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A tenant's settings that turn a preference into a mode.

    Attributes:
        anonymization_enabled: The switch for the whole feature; while it is off
            every contact is IDENTIFIED.
        mode_when_true: The mode of contacts with TRUE.
        mode_when_unset: The mode of contacts that are UNSET.
        quorum: k: 1…1,000; 1 means exact numbers.
        history_when_true: What becomes of earlier events at an opt-out.
        retention_days: After how many days events that name a contact are
            folded: 1…3,650.
    """

    anonymization_enabled: bool
    mode_when_true: Mode
    mode_when_unset: Mode
    quorum: int
    history_when_true: History
    retention_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUpdate:
    """What to set in a policy. None leaves a setting as it is, or at its default."""

    anonymization_enabled: bool | None = None
    mode_when_true: Mode | None = None
    mode_when_unset: Mode | None = None
    quorum: int | None = None
    history_when_true: History | None = None
    retention_days: int | None = None


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A policy that was put in force, and by whom.

    Attributes:
        version: 1 for the policy that the tenant was created with.
        change_time: When it came into force, UTC; it was replaced at the
            `change_time` of the next.
        actor: The id of the API key that made the call.
        policy: The whole policy, not only what changed.
    """

    version: int
    change_time: datetime
    actor: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class AnonymizationProgress:
    """How far the job that folds events after a stricter policy has come.

    Attributes:
        folded_count: Events folded so far.
        total_count: Events that the job found to fold when it started.
        start_time: When the policy was changed, UTC.
    """

    folded_count: int
    total_count: int
    start_time: datetime


@dataclass(frozen=True, slots=True)
class Tenant:
    """A customer of the installation.

    Attributes:
        tenant_id: Lower-case letters, digits, hyphens and underscores.
        display_name: A name for people.
        policy: The policy in force.
        create_time: When it was created, UTC.
        folding: The job under way after the policy was made stricter, or None.
    """

    tenant_id: str
    display_name: str
    policy: Policy
    create_time: datetime
    folding: AnonymizationProgress | None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key, without its secret.

    Attributes:
        key_id: The key's id, not the secret.
        tenant_id: Empty for EDGE and for an ADMIN of the installation.
        role: What it may do.
        display_name: A name for people.
        create_time: When it was created, UTC.
        revoke_time: When it was revoked, UTC; None while it is valid.
    """

    key_id: str
    tenant_id: str
    role: Role
    display_name: str
    create_time: datetime
    revoke_time: datetime | None


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was just created.

    Attributes:
        api_key: The key.
        secret: What to connect with. None if an earlier try had created the key
            and its answer was lost: secrets are told once. Revoke the key then,
            and create another.
    """

    api_key: ApiKey
    secret: str | None = field(repr=False)
