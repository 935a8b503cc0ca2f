"""The errors of the client: one class per gRPC status, each with a reason."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Self

__all__ = [
    "AbortedError",
    "AlreadyExistsError",
    "CancelledError",
    "DataLossError",
    "DeadlineExceededError",
    "ErrorReason",
    "FailedPreconditionError",
    "HushpostError",
    "InternalError",
    "InvalidArgumentError",
    "NotFoundError",
    "OutOfRangeError",
    "PermissionDeniedError",
    "ResourceExhaustedError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "UnknownError",
]


class ErrorReason(StrEnum):
    """Why a call, or one item of a batch, was refused.

    A reason that this version does not know is kept under its own name: it is
    an `ErrorReason` all the same, equal to its name, and in no list of members.
    """

    UNSPECIFIED = "UNSPECIFIED"
    """No reason came with the error: it arose before the authority was reached."""

    API_KEY_MISSING = "API_KEY_MISSING"
    API_KEY_INVALID = "API_KEY_INVALID"
    API_KEY_REVOKED = "API_KEY_REVOKED"
    ROLE_NOT_ALLOWED = "ROLE_NOT_ALLOWED"
    TENANT_NOT_ALLOWED = "TENANT_NOT_ALLOWED"

    TOKEN_INVALID = "TOKEN_INVALID"
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
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"

    TENANT_NOT_FOUND = "TENANT_NOT_FOUND"
    CAMPAIGN_NOT_FOUND = "CAMPAIGN_NOT_FOUND"
    GROUP_NOT_FOUND = "GROUP_NOT_FOUND"
    LINK_NOT_FOUND = "LINK_NOT_FOUND"
    API_KEY_NOT_FOUND = "API_KEY_NOT_FOUND"

    TENANT_ALREADY_EXISTS = "TENANT_ALREADY_EXISTS"
    CAMPAIGN_ALREADY_EXISTS = "CAMPAIGN_ALREADY_EXISTS"
    CAMPAIGN_CLOSED = "CAMPAIGN_CLOSED"

    OVERLOADED = "OVERLOADED"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    INTERNAL = "INTERNAL"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        # Not registered as a member, so that answers can't make memory grow.
        reason = str.__new__(cls, value)
        reason._name_ = reason._value_ = value
        return reason


class HushpostError(Exception):
    """A call failed. The root of all errors that this client raises.

    Attributes:
        message: For people; may change between versions.
        reason: What to branch on.
        metadata: What the reason's documentation lists, for example `field`.
        retry_after: Seconds after which the authority suggests another try, or
            None where waiting does not help.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: ErrorReason = ErrorReason.UNSPECIFIED,
        metadata: Mapping[str, str] = MappingProxyType({}),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata = MappingProxyType(dict(metadata))
        self.retry_after = retry_after

    def __str__(self) -> str:
        known = self.reason is not ErrorReason.UNSPECIFIED
        return f"{self.reason}: {self.message}" if known else self.message


class CancelledError(HushpostError):
    """CANCELLED: the authority gave the call up."""


class UnknownError(HushpostError):
    """UNKNOWN: something between here and the authority failed without a status."""


class InvalidArgumentError(HushpostError):
    """INVALID_ARGUMENT: the request can't be right, whatever the state."""


class DeadlineExceededError(HushpostError):
    """DEADLINE_EXCEEDED: no answer in time. A write may have happened or not."""


class NotFoundError(HushpostError):
    """NOT_FOUND: what the call names does not exist."""


class AlreadyExistsError(HushpostError):
    """ALREADY_EXISTS: the id is taken."""


class PermissionDeniedError(HushpostError):
    """PERMISSION_DENIED: the key is good, but not for this."""


class ResourceExhaustedError(HushpostError):
    """RESOURCE_EXHAUSTED: the authority is overloaded, or a message is too big.

    Not retried: a client that repeats by itself adds to the load. Send the call
    again, with the same `request_id`, after `retry_after` seconds.
    """


class FailedPreconditionError(HushpostError):
    """FAILED_PRECONDITION: the state forbids it, for example a closed campaign."""


class AbortedError(HushpostError):
    """ABORTED: a conflict with another call."""


class OutOfRangeError(HushpostError):
    """OUT_OF_RANGE: past the end."""


class UnimplementedError(HushpostError):
    """UNIMPLEMENTED: the authority does not offer this call."""


class InternalError(HushpostError):
    """INTERNAL: a fault of the authority; its log has the cause."""


class UnavailableError(HushpostError):
    """UNAVAILABLE: not reached, after all retries. A write may have happened or not."""


class DataLossError(HushpostError):
    """DATA_LOSS: an answer arrived damaged."""


class UnauthenticatedError(HushpostError):
    """UNAUTHENTICATED: no API key, or not a valid one."""
