"""The exceptions of the client: one class per gRPC status, with a reason to branch on."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Self

__all__ = [
    "AlreadyExistsError",
    "CallCancelledError",
    "DeadlineExceededError",
    "ErrorReason",
    "FailedPreconditionError",
    "HushpostError",
    "InternalError",
    "InvalidArgumentError",
    "NotFoundError",
    "PermissionDeniedError",
    "ResourceExhaustedError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "UnknownError",
]


class ErrorReason(StrEnum):
    """Why the authority rejected a call, or one item of a batch.

    `hushpost/v1/errors.proto` documents each reason and its metadata. A reason that
    this version of the client does not know is an `ErrorReason` too, equal to its
    name, but not a member of the enum.
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
    ISSUE_KEY_INVALID = "ISSUE_KEY_INVALID"
    LAST_OPENS_DISABLED = "LAST_OPENS_DISABLED"
    DOMAIN_TAKEN = "DOMAIN_TAKEN"
    DOMAIN_NOT_VERIFIED = "DOMAIN_NOT_VERIFIED"

    OVERLOADED = "OVERLOADED"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    INTERNAL = "INTERNAL"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"

    MESSAGE_INVALID = "MESSAGE_INVALID"
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    MESSAGE_TIMEOUT = "MESSAGE_TIMEOUT"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        # Not registered as a member, so that responses cannot grow the enum without bound.
        reason = str.__new__(cls, value)
        reason._name_ = reason._value_ = value
        return reason


class HushpostError(Exception):
    """A call failed. Base class of all errors that calls raise.

    Attributes:
        message: A human-readable message; may change between versions.
        reason: The reason to branch on. None if the error did not come from the
            authority, for example because it could not be reached.
        metadata: Details of the reason, such as `field` or `index`.
        retry_after: Seconds to wait before the next try, as suggested by the
            authority; None if waiting does not help.
        call_id: Identifies the failed call in the log of the authority; quote it to the
            operator. None if the error did not come from the authority. (Not the
            `request_id`, which is the idempotency key of a write.)
    """

    def __init__(
        self,
        message: str,
        *,
        reason: ErrorReason | None = None,
        metadata: Mapping[str, str] = MappingProxyType({}),
        retry_after: float | None = None,
        call_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata = MappingProxyType(dict(metadata))
        self.retry_after = retry_after
        self.call_id = call_id

    def __str__(self) -> str:
        return self.message if self.reason is None else f"{self.reason}: {self.message}"


class CallCancelledError(HushpostError):
    """The client was closed during the call. A write may have been committed or not."""


class UnknownError(HushpostError):
    """UNKNOWN, or a status that has no class here. A write may have been committed or not."""


class InvalidArgumentError(HushpostError):
    """INVALID_ARGUMENT: the request is invalid and would fail at any time."""


class DeadlineExceededError(HushpostError):
    """DEADLINE_EXCEEDED: no response within the timeout. A write may be committed or not."""


class NotFoundError(HushpostError):
    """NOT_FOUND: the tenant, campaign, group, link or API key does not exist."""


class AlreadyExistsError(HushpostError):
    """ALREADY_EXISTS: the id is taken."""


class PermissionDeniedError(HushpostError):
    """PERMISSION_DENIED: the API key is valid but does not permit this call."""


class ResourceExhaustedError(HushpostError):
    """RESOURCE_EXHAUSTED: the authority is overloaded, or a message is too large.

    Not retried automatically, because retries would add to the load. Repeat the call
    with the same `request_id` after `retry_after` seconds.
    """


class FailedPreconditionError(HushpostError):
    """FAILED_PRECONDITION: the current state does not permit it, such as a closed campaign."""


class UnimplementedError(HushpostError):
    """UNIMPLEMENTED: the authority does not offer this call."""


class InternalError(HushpostError):
    """INTERNAL: a bug in the authority; its log has the cause."""


class UnavailableError(HushpostError):
    """UNAVAILABLE: no connection, after all retries. A write may have been committed or not.

    Also CANCELLED, with which gRPC ends calls that arrive while an authority stops.
    """


class UnauthenticatedError(HushpostError):
    """UNAUTHENTICATED: the API key is missing, unknown, revoked or expired."""
