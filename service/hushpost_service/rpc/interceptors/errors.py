"""Ends failed calls with a gRPC status, and logs failures that are not the caller's."""

import traceback
from collections.abc import AsyncIterator
from typing import Any

import structlog

from hushpost_runtime.call_id import begin_call, call_id, new_call_id
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.rpc.interceptors.interceptor import Context, Stream, Unary
from hushpost_service.rpc.status import status_code, trailing_metadata

__all__ = ["ErrorInterceptor"]

_log = structlog.get_logger(__name__)


class ErrorInterceptor:
    """Turns exceptions into gRPC statuses with `ErrorInfo`, and with the call's id.

    Exceptions other than `HushpostError` become INTERNAL. Their text is neither sent
    nor logged, because it may quote a contact; the log has their type and place.
    """

    def unary(self, name: str, call: Unary) -> Unary:
        """Wrap a unary RPC."""

        async def intercepted(request: Any, context: Context) -> Any:
            begin_call()
            try:
                return await call(request, context)
            except Exception as error:  # noqa: BLE001 - every failure becomes a status
                await _abort(name, context, error)

        return intercepted

    def stream(self, name: str, call: Stream) -> Stream:
        """Wrap an RPC with a streamed response."""

        async def intercepted(request: Any, context: Context) -> AsyncIterator[Any]:
            begin_call()
            try:
                async for response in call(request, context):
                    yield response
            except Exception as error:  # noqa: BLE001 - every failure becomes a status
                await _abort(name, context, error)

        return intercepted


async def _abort(name: str, context: Context, error: Exception) -> None:
    code = status_code(error)
    if not isinstance(error, HushpostError):
        frames = traceback.extract_tb(error.__traceback__)
        _log.error(
            "call failed",
            method=name,
            cause=type(error).__name__,
            at=[f"{frame.filename}:{frame.lineno}" for frame in frames[-5:]],
        )
        error = HushpostError(
            Reason.INTERNAL, "internal error; the log of the authority has the cause"
        )
    failed_call = error.call_id or call_id() or new_call_id()
    await context.abort(code, error.message, trailing_metadata(error, failed_call))
