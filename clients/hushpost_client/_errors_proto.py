"""Converts gRPC errors to the exceptions of the client."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol, cast

from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import RpcError, StatusCode

from hushpost.v1 import errors_pb2
from hushpost_client import _errors
from hushpost_client._errors import ErrorReason, HushpostError

__all__ = ["reason_from_number", "translate"]

# The key of a serialized `google.rpc.Status`: "Richer error model" in the gRPC guides.
_STATUS_TRAILER = "grpc-status-details-bin"
_ERROR_INFO = ErrorInfo.DESCRIPTOR.full_name
_RETRY_INFO = RetryInfo.DESCRIPTOR.full_name
_REQUEST_INFO = RequestInfo.DESCRIPTOR.full_name

# The statuses that the authority sends and those that gRPC itself generates.
_CLASSES: dict[StatusCode, type[HushpostError]] = {
    # gRPC ends calls that arrive while an authority stops, and streams that are not read.
    StatusCode.CANCELLED: _errors.UnavailableError,
    StatusCode.INVALID_ARGUMENT: _errors.InvalidArgumentError,
    StatusCode.DEADLINE_EXCEEDED: _errors.DeadlineExceededError,
    StatusCode.NOT_FOUND: _errors.NotFoundError,
    StatusCode.ALREADY_EXISTS: _errors.AlreadyExistsError,
    StatusCode.PERMISSION_DENIED: _errors.PermissionDeniedError,
    StatusCode.RESOURCE_EXHAUSTED: _errors.ResourceExhaustedError,
    StatusCode.FAILED_PRECONDITION: _errors.FailedPreconditionError,
    StatusCode.UNIMPLEMENTED: _errors.UnimplementedError,
    StatusCode.INTERNAL: _errors.InternalError,
    StatusCode.UNAVAILABLE: _errors.UnavailableError,
    StatusCode.UNAUTHENTICATED: _errors.UnauthenticatedError,
}

_CLOSED = (StatusCode.CANCELLED, "Channel closed!")
"""What the synchronous gRPC raises if the caller closes the client during a call."""

_REASON_NAMES: dict[int, str] = {
    number: name.removeprefix("ERROR_REASON_")
    for name, number in errors_pb2.ErrorReason.items()
    if number != errors_pb2.ERROR_REASON_UNSPECIFIED
}


class _FailedCall(Protocol):
    """The methods that the errors of `grpc` and of `grpc.aio` have in common."""

    def code(self) -> StatusCode: ...
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...


class _Details(NamedTuple):
    info: ErrorInfo
    retry: RetryInfo | None
    request: RequestInfo


def translate(error: RpcError) -> HushpostError:
    """Return the client's exception for a failed call."""
    failed = cast("_FailedCall", error)
    info, retry, request = _details(failed)
    message, status = failed.details() or "no details", failed.code()
    is_closed = (status, message) == _CLOSED
    kind = _errors.CallCancelledError if is_closed else _CLASSES.get(status, _errors.UnknownError)
    return kind(
        # Without a reason, the message is gRPC's own, which does not name the status.
        message if info.reason else f"{status.name}: {message}",
        reason=ErrorReason(info.reason) if info.reason else None,
        metadata=info.metadata,
        retry_after=retry.retry_delay.ToTimedelta().total_seconds() if retry else None,
        call_id=request.request_id or None,
    )


def reason_from_number(number: int) -> ErrorReason:
    """Return the reason of a rejected item; an unknown one is named by its number."""
    return ErrorReason(_REASON_NAMES.get(number, str(number)))


def _details(failed: _FailedCall) -> _Details:
    """Unpack the error details; malformed ones are ignored, because the status is known."""
    info, retry, request = ErrorInfo(), None, RequestInfo()
    try:
        for detail in _status(failed).details:
            if detail.TypeName() == _ERROR_INFO:
                info = ErrorInfo.FromString(detail.value)
            elif detail.TypeName() == _RETRY_INFO:
                retry = RetryInfo.FromString(detail.value)
            elif detail.TypeName() == _REQUEST_INFO:
                request = RequestInfo.FromString(detail.value)
    except DecodeError:
        pass
    return _Details(info, retry, request)


def _status(failed: _FailedCall) -> Status:
    for key, value in failed.trailing_metadata() or ():
        if key == _STATUS_TRAILER and isinstance(value, bytes):
            return Status.FromString(value)
    return Status()
