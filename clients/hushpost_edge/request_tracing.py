"""Traces requests for pixels and links: how long they take, and how long the spool does.

The trace ends here. It does not go on to the call that ships the event: its place would have to be in the
spool with each event, and would date the event there.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hushpost_edge.event_recording import EventRecorder

if TYPE_CHECKING:
    from hushpost_runtime.traces import Traces

__all__ = ["TracedHandler", "TracedRecorder"]


class TracedHandler:
    """An ASGI handler whose requests are traced, under a name for all of them."""

    def __init__(self, handler: ASGIApp, name: str, traces: "Traces") -> None:
        self._handler = handler
        self._name = name
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        with self._traces.request(self._name) as work:

            async def send_noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    work.set("http.response.status_code", message["status"])
                await send(message)

            await self._handler(scope, receive, send_noted)


class TracedRecorder(EventRecorder):
    """Traces how long a request waits until its event is on disk."""

    def __init__(self, traces: "Traces", *parts: Any) -> None:
        super().__init__(*parts)
        self._traces = traces

    async def record(self, token: bytes, link: int, scope: Mapping[str, Any]) -> None:
        """Record an open (link 0) or a click."""
        with self._traces.step("append to spool"):
            await super().record(token, link, scope)
