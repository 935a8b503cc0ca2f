"""The interface of a server that methods are added to: gRPC's own, or the native one."""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import grpc

__all__ = ["Handler", "Transport"]

Handler = grpc.RpcMethodHandler


class Transport(Protocol):
    """Receives calls and passes them to handlers."""

    def add_methods(
        self,
        service: str,
        handlers: "Mapping[str, Handler[Any, Any]]",
        frequent: Collection[str] = (),
    ) -> None:
        """Add the methods of a service by name; `frequent` are the names of the busiest."""
        ...

    def add_insecure_port(self, address: str) -> int:
        """Bind an address, after all methods have been added. Raises RuntimeError."""
        ...

    async def start(self) -> None:
        """Start to accept calls."""
        ...

    async def stop(self, grace: float | None) -> None:
        """Stop; calls in progress have `grace` seconds to finish."""
        ...
