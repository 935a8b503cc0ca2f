"""A typed client of the Hushpost authority, asynchronous and synchronous.

Asynchronous:

    import asyncio
    from hushpost_client import Hushpost

    async def main() -> None:
        async with Hushpost.connect("localhost:50051", api_key="hp_…") as hushpost:
            stats = await hushpost.stats.get_campaign_stats("spring-sale")
            print(stats.opens.human.identified.unique, stats.rates.open_rate.combined)

    asyncio.run(main())

Synchronous, with the same methods:

    from hushpost_client.sync import Hushpost

    with Hushpost.connect("localhost:50051", api_key="hp_…") as hushpost:
        stats = hushpost.stats.get_campaign_stats("spring-sale")

Results are frozen dataclasses, with times in UTC and None for absent values. A failed
call raises the subclass of `HushpostError` that belongs to its gRPC status; branch on
its `reason`. Writes are retried while the authority is unavailable and still count
once. Connections are encrypted unless the target is a loopback address.
"""

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
from hushpost_client._async.admin import Admin
from hushpost_client._async.campaigns import Campaigns
from hushpost_client._async.client import Hushpost
from hushpost_client._async.domains import Domains
from hushpost_client._async.preferences import Preferences
from hushpost_client._async.stats import Stats
from hushpost_client._async.tracking import Tracking
from hushpost_client._branding_types import PageBranding
from hushpost_client._campaign_types import (
    Campaign,
    CampaignPage,
    IssuedToken,
    IssuedTokens,
    Link,
    MessageModes,
    NewGroup,
    NewLink,
)
from hushpost_client._channel import TLS
from hushpost_client._domain_types import DnsRecord, TrackingDomain
from hushpost_client._enums import (
    Consent,
    DoNotTrack,
    Engagement,
    History,
    Mode,
    PreferenceSource,
    Proof,
    Release,
    Role,
    StatsView,
    Verdict,
)
from hushpost_client._errors import (
    AlreadyExistsError,
    CallCancelledError,
    DeadlineExceededError,
    ErrorReason,
    FailedPreconditionError,
    HushpostError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
    UnknownError,
)
from hushpost_client._preference_types import (
    BatchOutcome,
    DecisionDetails,
    Preference,
    PreferenceChange,
    PreferenceEntry,
    RecipientView,
)
from hushpost_client._retry import RetryPolicy
from hushpost_client._stats_types import (
    CampaignStats,
    Count,
    EngagedContact,
    EngagementStats,
    Estimate,
    GroupStats,
    HourStats,
    LinkStats,
    Rate,
    Rates,
    ReleaseInfo,
    SentStats,
    SignalStats,
    StatsPage,
)
from hushpost_client._tracking_types import (
    Event,
    LinkUpdate,
    RecordedEvents,
    RejectedEvent,
    SpoolPublicKey,
    WatchedLink,
)

__all__ = [
    "TLS",
    "Admin",
    "AlreadyExistsError",
    "AnonymizationProgress",
    "ApiKey",
    "BatchOutcome",
    "CallCancelledError",
    "Campaign",
    "CampaignPage",
    "CampaignStats",
    "Campaigns",
    "Consent",
    "ConsentModes",
    "Count",
    "DeadlineExceededError",
    "DecisionDetails",
    "DnsRecord",
    "DoNotTrack",
    "Domains",
    "EngagedContact",
    "Engagement",
    "EngagementStats",
    "ErrorReason",
    "Estimate",
    "Event",
    "FailedPreconditionError",
    "GroupStats",
    "History",
    "HourStats",
    "Hushpost",
    "HushpostError",
    "InternalError",
    "InvalidArgumentError",
    "IssuedToken",
    "IssuedTokens",
    "Link",
    "LinkStats",
    "LinkUpdate",
    "MessageModes",
    "Mode",
    "NewApiKey",
    "NewGroup",
    "NewLink",
    "NotFoundError",
    "PageBranding",
    "PermissionDeniedError",
    "Policy",
    "PolicyChange",
    "PolicyUpdate",
    "Preference",
    "PreferenceChange",
    "PreferenceEntry",
    "PreferenceSource",
    "Preferences",
    "Proof",
    "Rate",
    "Rates",
    "RecipientView",
    "RecordedEvents",
    "RejectedEvent",
    "Release",
    "ReleaseInfo",
    "ResourceExhaustedError",
    "RetryPolicy",
    "Role",
    "SentStats",
    "SignalStats",
    "SpoolPublicKey",
    "Stats",
    "StatsPage",
    "StatsView",
    "Tenant",
    "TenantSummary",
    "Tracking",
    "TrackingDomain",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "UnknownError",
    "Verdict",
    "WatchedLink",
]
