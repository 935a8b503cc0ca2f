"""Maps errors to gRPC statuses: `google.rpc.Status` with `ErrorInfo`, `RetryInfo`, `RequestInfo`."""

from datetime import timedelta
from functools import lru_cache

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status

from hushpost_runtime.call_id import CALL_ID_LENGTH
from hushpost_service.domain.errors import HushpostError, Reason

__all__ = ["CODES", "status_code", "trailing_metadata"]

_DOMAIN = "hushpost"
_RETRY_AFTER = timedelta(seconds=1)
_DETAILS_KEY = "grpc-status-details-bin"

_UNAUTHENTICATED = (
    Reason.API_KEY_MISSING,
    Reason.API_KEY_INVALID,
    Reason.API_KEY_REVOKED,
    Reason.API_KEY_EXPIRED,
)
_NOT_FOUND = (
    Reason.TENANT_NOT_FOUND,
    Reason.CAMPAIGN_NOT_FOUND,
    Reason.GROUP_NOT_FOUND,
    Reason.LINK_NOT_FOUND,
    Reason.API_KEY_NOT_FOUND,
    Reason.CONTACT_ERASED,
    Reason.CAMPAIGN_MESSAGE_NOT_FOUND,
    Reason.DOMAIN_NOT_FOUND,
)
_RETRYABLE = (Reason.OVERLOADED, Reason.DATABASE_UNAVAILABLE, Reason.SHUTTING_DOWN)

CODES: dict[Reason, grpc.StatusCode] = {
    **dict.fromkeys(Reason, grpc.StatusCode.INVALID_ARGUMENT),
    **dict.fromkeys(_UNAUTHENTICATED, grpc.StatusCode.UNAUTHENTICATED),
    **dict.fromkeys(_NOT_FOUND, grpc.StatusCode.NOT_FOUND),
    Reason.ROLE_NOT_ALLOWED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.CLIENT_CERTIFICATE_REQUIRED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.TENANT_NOT_ALLOWED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.TENANT_ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Reason.CAMPAIGN_ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Reason.REQUEST_ID_REUSED: grpc.StatusCode.ALREADY_EXISTS,
    Reason.CAMPAIGN_CLOSED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.ISSUE_KEY_REQUIRED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.LAST_OPENS_DISABLED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.DOMAIN_TAKEN: grpc.StatusCode.ALREADY_EXISTS,
    Reason.DOMAIN_NOT_VERIFIED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.OVERLOADED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.DATABASE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Reason.SHUTTING_DOWN: grpc.StatusCode.UNAVAILABLE,
    Reason.INTERNAL: grpc.StatusCode.INTERNAL,
    Reason.MESSAGE_TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
    Reason.DEADLINE_EXCEEDED: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""The status code of each reason, as documented in `errors.proto`."""


def status_code(error: Exception) -> grpc.StatusCode:
    """Return the status code of an error; INTERNAL unless it is a `HushpostError`."""
    return CODES[error.reason if isinstance(error, HushpostError) else Reason.INTERNAL]


def trailing_metadata(error: HushpostError, call_id: str) -> tuple[tuple[str, bytes]]:
    """Return the trailing metadata that carries the error as a `google.rpc.Status`."""
    status = _encoded(error.reason, error.message, tuple(error.metadata.items()))
    # Parsers merge concatenated messages: the details of the second follow those of the first.
    return ((_DETAILS_KEY, status + _REQUEST_INFO + call_id.encode()),)


# Cached, because an overloaded server sends the same few errors over and over.
@lru_cache(maxsize=64)
def _encoded(reason: Reason, message: str, metadata: tuple[tuple[str, str], ...]) -> bytes:
    details = [_packed(ErrorInfo(reason=reason, domain=_DOMAIN, metadata=dict(metadata)))]
    if reason in _RETRYABLE:
        delay = Duration()
        delay.FromTimedelta(_RETRY_AFTER)
        details.append(_packed(RetryInfo(retry_delay=delay)))
    return Status(code=CODES[reason].value[0], message=message, details=details).SerializeToString()


def _packed(detail: ErrorInfo | RetryInfo | RequestInfo) -> Any:
    packed = Any()
    packed.Pack(detail)
    return packed


_REQUEST_INFO = Status(
    details=[_packed(RequestInfo(request_id="0" * CALL_ID_LENGTH))]
).SerializeToString()[:-CALL_ID_LENGTH]
"""A status with a `RequestInfo`, without the id at its end. Encoding it for each call would take several
microseconds, which an overloaded authority would spend on each call that it rejects."""
