"""Turns what gRPC raises into the client's own errors."""

from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode
from grpc.aio import AioRpcError

from hushpost.v1 import errors_pb2
from hushpost_client import _errors
from hushpost_client._errors import ErrorReason, HushpostError

__all__ = ["reason_from_number", "translate"]

# `google.rpc.Status` travels here: see "Richer error model" in gRPC's guides.
_STATUS_TRAILER = "grpc-status-details-bin"
_ERROR_INFO = ErrorInfo.DESCRIPTOR.full_name
_RETRY_INFO = RetryInfo.DESCRIPTOR.full_name

_CLASSES: dict[StatusCode, type[HushpostError]] = {
    StatusCode.CANCELLED: _errors.CancelledError,
    StatusCode.UNKNOWN: _errors.UnknownError,
    StatusCode.INVALID_ARGUMENT: _errors.InvalidArgumentError,
    StatusCode.DEADLINE_EXCEEDED: _errors.DeadlineExceededError,
    StatusCode.NOT_FOUND: _errors.NotFoundError,
    StatusCode.ALREADY_EXISTS: _errors.AlreadyExistsError,
    StatusCode.PERMISSION_DENIED: _errors.PermissionDeniedError,
    StatusCode.RESOURCE_EXHAUSTED: _errors.ResourceExhaustedError,
    StatusCode.FAILED_PRECONDITION: _errors.FailedPreconditionError,
    StatusCode.ABORTED: _errors.AbortedError,
    StatusCode.OUT_OF_RANGE: _errors.OutOfRangeError,
    StatusCode.UNIMPLEMENTED: _errors.UnimplementedError,
    StatusCode.INTERNAL: _errors.InternalError,
    StatusCode.UNAVAILABLE: _errors.UnavailableError,
    StatusCode.DATA_LOSS: _errors.DataLossError,
    StatusCode.UNAUTHENTICATED: _errors.UnauthenticatedError,
}


def translate(error: AioRpcError) -> HushpostError:
    """Answer the client's error for a failed call."""
    info, retry = _details(error)
    words, status = error.details() or "no details", error.code()
    return _CLASSES.get(status, _errors.UnknownError)(
        # Without a reason the words are gRPC's own, which don't name the status.
        words if info.reason else f"{status.name}: {words}",
        reason=ErrorReason(info.reason or "UNSPECIFIED"),
        metadata=info.metadata,
        retry_after=retry.retry_delay.ToTimedelta().total_seconds() if retry else None,
    )


def reason_from_number(number: int) -> ErrorReason:
    """Answer the reason of one item of a batch."""
    value = errors_pb2.ErrorReason.DESCRIPTOR.values_by_number.get(number)
    if value is None:
        return ErrorReason(str(number))
    return ErrorReason(value.name.removeprefix("ERROR_REASON_"))


def _details(error: AioRpcError) -> tuple[ErrorInfo, RetryInfo | None]:
    """Unpack the details; damaged ones count as none, since the status still tells."""
    info, retry = ErrorInfo(), None
    try:
        for detail in _status(error).details:
            if detail.TypeName() == _ERROR_INFO:
                info = ErrorInfo.FromString(detail.value)
            elif detail.TypeName() == _RETRY_INFO:
                retry = RetryInfo.FromString(detail.value)
    except DecodeError:
        pass
    return info, retry


def _status(error: AioRpcError) -> Status:
    for key, value in error.trailing_metadata() or ():
        if key == _STATUS_TRAILER and isinstance(value, bytes):
            return Status.FromString(value)
    return Status()
