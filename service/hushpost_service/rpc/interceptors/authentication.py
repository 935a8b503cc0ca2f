"""Checks the API key of a call, and whether its role may call the RPC."""

from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any

from hushpost_service.admin.auth import Authenticator, Caller
from hushpost_service.domain.roles import Role
from hushpost_service.rpc.interceptors.interceptor import Context, Stream, Unary
from hushpost_service.rpc.permissions import ROLES

__all__ = ["AuthenticationInterceptor", "current_caller"]

_caller: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """Return the caller of the RPC that is being served."""
    return _caller.get()


class AuthenticationInterceptor:
    """Rejects calls without a valid key of a permitted role; sets `current_caller`."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    def unary(self, name: str, call: Unary) -> Unary:
        """Wrap a unary RPC. Raises KeyError if `ROLES` lacks it."""
        roles = ROLES[name]

        async def intercepted(request: Any, context: Context) -> Any:
            await self._authenticate(name, roles, context)
            return await call(request, context)

        return intercepted

    def stream(self, name: str, call: Stream) -> Stream:
        """Wrap an RPC with a streamed response. Raises KeyError if `ROLES` lacks it."""
        roles = ROLES[name]

        async def intercepted(request: Any, context: Context) -> AsyncIterator[Any]:
            await self._authenticate(name, roles, context)
            async for response in call(request, context):
                yield response

        return intercepted

    async def _authenticate(self, name: str, roles: frozenset[Role], context: Context) -> None:
        header = _authorization(context)
        authenticator = self._authenticator
        caller = authenticator.cached(header) or await authenticator.caller(header)
        caller.check_role(roles, name)
        _caller.set(caller)


def _authorization(context: Context) -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            return str(value)
    return None
