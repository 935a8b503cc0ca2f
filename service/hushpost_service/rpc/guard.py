"""What every RPC passes: the caller's key and role, errors to statuses, metrics."""

import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any

import grpc
import structlog
from prometheus_client import Histogram

from hushpost_service.admission import Admission, Room
from hushpost_service.auth import Authenticator, Caller
from hushpost_service.drain import Drain
from hushpost_service.errors import HushpostError, Reason
from hushpost_service.rpc.status import status_code, trailing_metadata
from hushpost_service.storage.api_keys import Role

__all__ = ["RECORDING", "ROLES", "current_caller", "guard", "refusing"]

_log = structlog.get_logger(__name__)
_caller: ContextVar[Caller] = ContextVar("caller")

_SECONDS = Histogram(
    "hushpost_rpc_seconds",
    "Duration of RPCs.",
    ["method", "code"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

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
    "SetPreference": _SENDER | _EDGE,
    "GetPreference": _SENDER | _EDGE,
    "BatchSetPreferences": _SENDER,
    "ListPreferenceChanges": _SENDER,
    "EraseContact": _SENDER,
    "CreateCampaign": _SENDER,
    "ExtendCampaign": _SENDER,
    "GetCampaign": _SENDER | _REPORTER,
    "ListCampaigns": _SENDER | _REPORTER,
    "CloseCampaign": _SENDER,
    "IssueTokens": _SENDER,
    "GetCampaignStats": _REPORTER,
    "WatchCampaignStats": _REPORTER,
    "ListEngagedContacts": _REPORTER,
    "CreateTenant": _ADMIN,
    "GetTenant": _ADMIN,
    "UpdatePolicy": _ADMIN,
    "ListPolicyChanges": _ADMIN,
    "CreateApiKey": _ADMIN,
    "ListApiKeys": _ADMIN,
    "RevokeApiKey": _ADMIN,
}
"""Which roles may call what. An RPC that does not stand here cannot be served."""

_STREAMS = frozenset({"WatchLinks", "WatchCampaignStats"})
RECORDING = frozenset({"RecordOpen", "RecordClick", "RecordEvents"})
"""What most calls are of."""

Context = grpc.aio.ServicerContext[Any, Any]


def current_caller() -> Caller:
    """Return who makes the call that is being served."""
    return _caller.get()


def guard(
    servicer: object,
    methods: tuple[str, ...],
    authenticator: Authenticator,
    admission: Admission,
    drain: Drain,
) -> None:
    """Put the guard before every method of a servicer. Raises KeyError for an unknown one."""
    for name in methods:
        protect = _stream if name in _STREAMS else _unary
        room = _room(name, admission)
        method = getattr(servicer, name)
        setattr(servicer, name, protect(name, ROLES[name], method, authenticator, room, drain))


def refusing(name: str, rooms: tuple[Room, ...]) -> Callable[[Any, Context], Awaitable[None]]:
    """Return what refuses a call of a method that there is no room for."""

    async def refuse(_requests: Any, context: Context) -> None:
        start = time.perf_counter()
        try:
            for room in rooms:
                room.check()
        except HushpostError as error:
            await _abort(name, context, error, start)

    return refuse


def _room(name: str, admission: Admission) -> Room:
    if name in _STREAMS:
        return admission.streams
    return admission.recording if name in RECORDING else admission.others


def _unary(
    name: str,
    roles: frozenset[Role],
    method: Callable[[Any, Context], Awaitable[Any]],
    authenticator: Authenticator,
    room: Room,
    drain: Drain,
) -> Callable[[Any, Context], Awaitable[Any]]:
    succeeded = _SECONDS.labels(name, "OK")

    async def call(request: Any, context: Context) -> Any:
        start = time.perf_counter()
        try:
            with drain, room:
                header = _authorization(context)
                caller = authenticator.remembered(header) or await authenticator.caller(header)
                caller.check_role(roles, name)
                _caller.set(caller)
                answer = await method(request, context)
        except Exception as error:  # noqa: BLE001 - whatever it is becomes a status
            await _abort(name, context, error, start)
        succeeded.observe(time.perf_counter() - start)
        return answer

    return call


def _stream(
    name: str,
    roles: frozenset[Role],
    method: Callable[[Any, Context], AsyncIterator[Any]],
    authenticator: Authenticator,
    room: Room,
    drain: Drain,
) -> Callable[[Any, Context], AsyncIterator[Any]]:
    async def call(request: Any, context: Context) -> AsyncIterator[Any]:
        start = time.perf_counter()
        try:
            with drain, room:
                header = _authorization(context)
                caller = authenticator.remembered(header) or await authenticator.caller(header)
                caller.check_role(roles, name)
                _caller.set(caller)
                async for answer in method(request, context):
                    yield answer
        except Exception as error:  # noqa: BLE001 - as above
            await _abort(name, context, error, start)

    return call


def _authorization(context: Context) -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            return str(value)
    return None


async def _abort(name: str, context: Context, error: Exception, start: float) -> None:
    """End the call with the error's status."""
    if not isinstance(error, HushpostError):
        # Where it happened, not what was said: its words may quote a contact.
        frames = traceback.extract_tb(error.__traceback__)
        _log.error(
            "call failed",
            method=name,
            cause=type(error).__name__,
            at=[f"{frame.filename}:{frame.lineno}" for frame in frames[-5:]],
        )
        error = HushpostError(Reason.INTERNAL, "the authority failed; its log has the cause")
    code = status_code(error)
    _SECONDS.labels(name, code.name).observe(time.perf_counter() - start)
    await context.abort(code, error.message, trailing_metadata(error))
