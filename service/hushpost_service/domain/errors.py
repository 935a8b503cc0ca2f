"""The one error type of the service, and its reasons (`hushpost.v1.ErrorReason`)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

__all__ = ["HushpostError", "Reason", "tenant_not_allowed"]


class Reason(StrEnum):
    """Why a call was rejected: the names of `ErrorReason` without their prefix.

    `errors.proto` documents each reason; a test keeps the two lists equal.
    """

    API_KEY_MISSING = "API_KEY_MISSING"
    API_KEY_INVALID = "API_KEY_INVALID"
    API_KEY_REVOKED = "API_KEY_REVOKED"
    API_KEY_EXPIRED = "API_KEY_EXPIRED"
    ROLE_NOT_ALLOWED = "ROLE_NOT_ALLOWED"
    TENANT_NOT_ALLOWED = "TENANT_NOT_ALLOWED"
    CLIENT_CERTIFICATE_REQUIRED = "CLIENT_CERTIFICATE_REQUIRED"

    TOKEN_INVALID = "TOKEN_INVALID"
    TOKEN_KEY_UNKNOWN = "TOKEN_KEY_UNKNOWN"
    CONTACT_ID_INVALID = "CONTACT_ID_INVALID"
    ID_INVALID = "ID_INVALID"
    REQUEST_ID_INVALID = "REQUEST_ID_INVALID"
    BATCH_EMPTY = "BATCH_EMPTY"
    BATCH_TOO_LARGE = "BATCH_TOO_LARGE"
    EVENT_TIME_IN_FUTURE = "EVENT_TIME_IN_FUTURE"
    EVENT_TIME_TOO_OLD = "EVENT_TIME_TOO_OLD"
    PAGE_SIZE_INVALID = "PAGE_SIZE_INVALID"
    PAGE_TOKEN_INVALID = "PAGE_TOKEN_INVALID"
    CURSOR_INVALID = "CURSOR_INVALID"
    LINK_URL_INVALID = "LINK_URL_INVALID"
    FIELD_INVALID = "FIELD_INVALID"
    UPDATE_MASK_INVALID = "UPDATE_MASK_INVALID"
    DOMAIN_INVALID = "DOMAIN_INVALID"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"

    TENANT_NOT_FOUND = "TENANT_NOT_FOUND"
    CAMPAIGN_NOT_FOUND = "CAMPAIGN_NOT_FOUND"
    GROUP_NOT_FOUND = "GROUP_NOT_FOUND"
    LINK_NOT_FOUND = "LINK_NOT_FOUND"
    API_KEY_NOT_FOUND = "API_KEY_NOT_FOUND"
    CONTACT_ERASED = "CONTACT_ERASED"
    CAMPAIGN_MESSAGE_NOT_FOUND = "CAMPAIGN_MESSAGE_NOT_FOUND"
    DOMAIN_NOT_FOUND = "DOMAIN_NOT_FOUND"

    TENANT_ALREADY_EXISTS = "TENANT_ALREADY_EXISTS"
    CAMPAIGN_ALREADY_EXISTS = "CAMPAIGN_ALREADY_EXISTS"
    CAMPAIGN_CLOSED = "CAMPAIGN_CLOSED"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    ISSUE_KEY_REQUIRED = "ISSUE_KEY_REQUIRED"
    LAST_OPENS_DISABLED = "LAST_OPENS_DISABLED"
    DOMAIN_TAKEN = "DOMAIN_TAKEN"
    DOMAIN_NOT_VERIFIED = "DOMAIN_NOT_VERIFIED"
    ISSUE_KEY_INVALID = "ISSUE_KEY_INVALID"

    OVERLOADED = "OVERLOADED"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    INTERNAL = "INTERNAL"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"

    MESSAGE_INVALID = "MESSAGE_INVALID"
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    MESSAGE_TIMEOUT = "MESSAGE_TIMEOUT"


class HushpostError(Exception):
    """A call, or one item of a batch, is rejected.

    Attributes:
        reason: For programs to branch on.
        message: For people. It contains neither contact ids nor tokens.
        metadata: The keys that the reason documents in `errors.proto`.
        call_id: The id of the log line that has the cause, if it may not be that of the call.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        metadata: Mapping[str, str] = MappingProxyType({}),
        *,
        call_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = metadata
        self.call_id = call_id

    def at_index(self, index: int) -> "HushpostError":
        """Return the same error with the position of the item of the list that caused it."""
        metadata = {**self.metadata, "index": str(index)}
        return HushpostError(self.reason, self.message, metadata, call_id=self.call_id)


def tenant_not_allowed() -> HushpostError:
    """Return the error for a tenant that the caller's API key does not permit."""
    return HushpostError(Reason.TENANT_NOT_ALLOWED, "the API key is not for that tenant")
