"""Which roles may call which RPC."""

from collections.abc import Mapping

from hushpost_service.domain.roles import Role

__all__ = ["REFLECTION", "ROLES"]

_SENDER = frozenset({Role.SENDER})
_EDGE = frozenset({Role.EDGE})
_REPORTER = frozenset({Role.REPORTER})
_ADMIN = frozenset({Role.ADMIN})

ROLES: Mapping[str, frozenset[Role]] = {
    "RecordOpen": _EDGE,
    "RecordClick": _EDGE,
    "RecordEvents": _EDGE,
    "ResolveLink": _EDGE,
    "WatchLinks": _EDGE,
    "GetSpoolPublicKey": _EDGE,
    "OpenSpoolKey": _EDGE,
    "SetPreference": _SENDER | _EDGE,
    "GetPreference": _SENDER | _EDGE,
    "BatchGetPreferences": _SENDER,
    "BatchSetPreferences": _SENDER,
    "ListContacts": _SENDER,
    "ListInactiveContacts": _SENDER,
    "ListPreferenceChanges": _SENDER,
    "EraseContact": _SENDER,
    "CreateCampaign": _SENDER,
    "ExtendCampaign": _SENDER,
    "GetCampaign": _SENDER | _REPORTER,
    "GetCampaignMessage": _SENDER | _REPORTER,
    "ListCampaigns": _SENDER | _REPORTER,
    "CloseCampaign": _SENDER,
    "IssueTokens": _SENDER,
    "PreviewModes": _SENDER,
    "GetCampaignStats": _REPORTER,
    "WatchCampaignStats": _REPORTER,
    "ListGroupStats": _REPORTER,
    "ListLinkStats": _REPORTER,
    "ListEngagedContacts": _REPORTER,
    "CreateTenant": _ADMIN,
    "GetTenant": _ADMIN,
    "ListTenants": _ADMIN,
    "UpdatePolicy": _ADMIN,
    "ListPolicyChanges": _ADMIN,
    "CreateApiKey": _ADMIN,
    "ListApiKeys": _ADMIN,
    "RevokeApiKey": _ADMIN,
    "AddTrackingDomain": _ADMIN,
    "CheckTrackingDomain": _ADMIN,
    "ListTrackingDomains": _ADMIN | _SENDER | _EDGE,
    "RemoveTrackingDomain": _ADMIN,
}
"""The roles that may call each RPC. The server does not start with an RPC that is missing here."""

REFLECTION = "ServerReflectionInfo"
"""The RPC of gRPC's reflection service, which describes the others. Any role may call it."""
