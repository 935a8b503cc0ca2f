"""Checks the API key of a call, and whether its role may call the RPC."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any

from hushpost_service.admin.auth import Authenticator
from hushpost_service.admin.caller import Caller
from hushpost_service.domain.errors import HushpostError
from hushpost_service.domain.roles import Role
from hushpost_service.rpc.interceptors.interceptor import Context, Stream, Unary
from hushpost_service.rpc.permissions import REFLECTION, ROLES

__all__ = ["AuthenticationInterceptor", "current_caller"]

_caller: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """Return the caller of the RPC that is being served."""
    return _caller.get()


class AuthenticationInterceptor:
    """Rejects calls without a valid key of a permitted role; sets `current_caller`.

    Ends a stream when its key is revoked or expires.
    """

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
        roles = frozenset(Role) if name == REFLECTION else ROLES[name]

        async def intercepted(request: Any, context: Context) -> AsyncIterator[Any]:
            caller = await self._authenticate(name, roles, context)
            with self._authenticator.stream(caller) as ended:
                async for response in _until(ended, call(request, context)):
                    yield response

        return intercepted

    def cached_caller(self, name: str, context: Context) -> Caller | None:
        """Return the caller of an RPC if its key is cached and may call the RPC."""
        caller = self._authenticator.cached(_authorization(context), context.peer())
        return caller if caller is not None and caller.key.role in ROLES[name] else None

    async def _authenticate(self, name: str, roles: frozenset[Role], context: Context) -> Caller:
        header, peer = _authorization(context), context.peer()
        authenticator = self._authenticator
        caller = authenticator.cached(header, peer) or await authenticator.caller(header, peer)
        caller.check_role(roles, name)
        _caller.set(caller)
        return caller


async def _until(
    ended: "asyncio.Future[HushpostError]", responses: AsyncIterator[Any]
) -> AsyncIterator[Any]:
    """Yield responses until `ended` has an error, then raise it."""
    while True:
        following = asyncio.ensure_future(anext(responses, None))
        try:
            await asyncio.wait((following, ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            following.cancel()
        if ended.done():
            await asyncio.gather(following, return_exceptions=True)
            raise ended.result()
        response = following.result()
        if response is None:
            return
        yield response


def _authorization(context: Context) -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            return str(value)
    return None
