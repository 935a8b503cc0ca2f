"""Tenants, their policies and their API keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hushpost_client._branding_types import PageBranding
from hushpost_client._enums import History, Mode, Release, Role

__all__ = [
    "AnonymizationProgress",
    "ApiKey",
    "ConsentModes",
    "NewApiKey",
    "Policy",
    "PolicyChange",
    "PolicyUpdate",
    "Tenant",
    "TenantSummary",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentModes:
    """The modes of one purpose by consent. GRANTED is always IDENTIFIED.

    In a `PolicyUpdate`, None leaves a mode as it is. In a `Policy`, None is a mode that this
    version of the client does not know.

    Attributes:
        when_unknown: The mode of contacts who have not decided: any mode.
        when_denied: The mode of contacts who denied: ANONYMOUS, AGGREGATE or OFF.
        when_withdrawn: The mode of contacts who withdrew: ANONYMOUS, AGGREGATE or OFF.
    """

    when_unknown: Mode | None = None
    when_denied: Mode | None = None
    when_withdrawn: Mode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A tenant's rules that map consent to tracking modes.

    A mode or history that this version of the client does not know is None.

    Attributes:
        anonymization_enabled: The switch for the whole feature. While it is off,
            every contact is IDENTIFIED.
        opens_modes: The modes of opens.
        clicks_modes: The modes of clicks.
        mode_when_true: The strictest mode of contacts with do_not_track TRUE.
        mode_when_unset: The stricter mode of contacts with do_not_track UNSET.
        history_when_true: What an opt-out does with earlier identified events.
        retention_days: The age in days at which identified events are
            deleted, 1…3,650. The counts remain.
        release: How the anonymous counts of new campaigns are released. EXACT only
            where the operator allows it.
        epsilon: The privacy budget per contact and campaign: less is more private,
            with more noise. Up to the limit of the installation.
        release_delays: When counts are released: 1 to 6 ascending times after the first
            message, whole seconds.
        max_anonymous_messages: How many ANONYMOUS messages a contact gets in 90 days, over
            all campaigns, 1…1,000. Further ones are OFF.
        reask_after_days: How long a contact that refused is not asked again, 1…3,650 days: a
            filter of `Preferences.list_contacts`.
        record_last_opens: Whether opens of contacts whose consent to opens is UNKNOWN update
            the date of their last open, and nothing else.
        branding: The tenant's part of preference pages. In a `PolicyChange` it is empty.
        default_tracking_domain: The tracking domain that senders use unless they name another;
            None for none, and in a `PolicyChange`.
    """

    anonymization_enabled: bool
    opens_modes: ConsentModes
    clicks_modes: ConsentModes
    mode_when_true: Mode | None
    mode_when_unset: Mode | None
    history_when_true: History | None
    retention_days: int
    release: Release | None
    epsilon: float
    release_delays: tuple[timedelta, ...]
    max_anonymous_messages: int
    reask_after_days: int
    record_last_opens: bool
    branding: PageBranding = field(default_factory=PageBranding)
    default_tracking_domain: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUpdate:
    """The settings of a policy to change; None leaves a setting as it is.

    In `Admin.create_tenant`, None means the default. Settings are those of `Policy`.
    `mode_when_true` sets the modes of DENIED and WITHDRAWN of both purposes, and
    `mode_when_unset` those of UNKNOWN; `opens_modes` and `clicks_modes` take precedence. An
    empty `default_tracking_domain` removes it.
    """

    anonymization_enabled: bool | None = None
    opens_modes: ConsentModes | None = None
    clicks_modes: ConsentModes | None = None
    mode_when_true: Mode | None = None
    mode_when_unset: Mode | None = None
    history_when_true: History | None = None
    retention_days: int | None = None
    release: Release | None = None
    epsilon: float | None = None
    release_delays: Sequence[timedelta] | None = None
    max_anonymous_messages: int | None = None
    reask_after_days: int | None = None
    record_last_opens: bool | None = None
    branding: PageBranding | None = None
    default_tracking_domain: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """An entry of the audit log of a tenant's policy.

    Attributes:
        version: 1 for the policy that the tenant was created with, then ascending.
        change_time: When the policy took effect, UTC. It was replaced at the
            `change_time` of the next version.
        actor: The id of the API key that made the change.
        policy: The complete policy, including settings that did not change.
    """

    version: int
    change_time: datetime
    actor: str
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class AnonymizationProgress:
    """The progress of the job that anonymizes events after a policy became stricter.

    Attributes:
        anonymized_count: How many events have been anonymized.
        total_count: How many identified events the tenant had when the job started: an upper
            limit, because events of contacts who consented stay.
        start_time: When the policy was changed, UTC.
    """

    anonymized_count: int
    total_count: int
    start_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A customer of the installation.

    Attributes:
        tenant_id: 1 to 64 lower-case letters, digits, hyphens and underscores.
        display_name: A human-readable name, or None.
        policy: The current policy.
        create_time: When the tenant was created, UTC.
        anonymization: The running job after the policy became stricter; None if
            there is none.
    """

    tenant_id: str
    display_name: str | None
    policy: Policy
    create_time: datetime
    anonymization: AnonymizationProgress | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSummary:
    """A tenant in a list; `Admin.get_tenant` returns its policy, too.

    Attributes:
        tenant_id: The id of the tenant.
        display_name: A human-readable name, or None.
        create_time: When the tenant was created, UTC.
    """

    tenant_id: str
    display_name: str | None
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key, without its secret.

    Attributes:
        key_id: The id of the key; not the secret.
        tenant_id: The tenant of the key; None for keys of role EDGE and for
            ADMIN keys of the whole installation.
        role: What the key may do; None for a role that this version of the
            client does not know.
        display_name: A human-readable name, or None.
        create_time: When the key was created, UTC.
        create_actor: The id of the key that created it; "admin-key" if the command
            `hushpost admin-key` did.
        edge_tenant_ids: The tenants that a key of role EDGE is limited to, sorted;
            empty for all.
        expire_time: When the key expires, UTC; None for never.
        last_used_time: The start of the last day, UTC, on which a call was made with
            the key; None if there was none. Written about a minute after the call.
        revoke_time: When the key was revoked, UTC; None if it was not.
        revoke_actor: The id of the key that revoked it, or None.
    """

    key_id: str
    tenant_id: str | None
    role: Role | None
    display_name: str | None
    create_time: datetime
    create_actor: str
    edge_tenant_ids: tuple[str, ...]
    expire_time: datetime | None
    last_used_time: datetime | None
    revoke_time: datetime | None
    revoke_actor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """An API key that was just created.

    Attributes:
        api_key: The key.
        secret: The value for `Hushpost.connect(api_key=...)`. The authority returns
            it only once: None if an earlier try of this call created the key and
            its response was lost. In that case, revoke the key and create another.
    """

    api_key: ApiKey
    secret: str | None = field(repr=False)
