# Generated from _async/client.py by `make sync-client`; do not edit.
"""The client: one connection, one API key, the six services."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from grpc import Channel, insecure_channel, secure_channel

from hushpost_client._channel import TLS, channel_credentials, channel_options
from hushpost_client._retry import RetryPolicy
from hushpost_client._sync.admin import Admin
from hushpost_client._sync.calls import Calls
from hushpost_client._sync.campaigns import Campaigns
from hushpost_client._sync.domains import Domains
from hushpost_client._sync.preferences import Preferences
from hushpost_client._sync.stats import Stats
from hushpost_client._sync.tracking import Tracking

__all__ = ["Hushpost"]


class Hushpost:
    """A client of the authority. Create it with `Hushpost.connect`.

    A context manager that closes the connection on exit.

    Attributes:
        tracking: Records opens and clicks, resolves and watches links.
        preferences: Sets, reads and lists preferences, erases contacts.
        campaigns: Registers campaigns, issues tokens.
        stats: Reads statistics.
        admin: Manages tenants, policies and API keys.
        domains: Manages custom tracking domains.
    """

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._channel = channel
        self.tracking = Tracking(channel, calls)
        self.preferences = Preferences(channel, calls)
        self.campaigns = Campaigns(channel, calls)
        self.stats = Stats(channel, calls)
        self.admin = Admin(channel, calls)
        self.domains = Domains(channel, calls)

    @classmethod
    def connect(
        cls,
        target: str,
        *,
        api_key: str,
        tls: TLS | bool | None = None,
        timeout: float = 10.0,
        retry: RetryPolicy | None = None,
        added_metadata: Callable[[], Sequence[tuple[str, str]]] = tuple,
    ) -> Self:
        """Create a client, which connects at its first call and reconnects after a break.

        Threads may share a client. Processes may not: connect after a fork.

        Args:
            target: `host:port`, or `unix:path` for a Unix socket.
            api_key: The secret, `hp_…`. Sent in clear text without TLS.
            tls: None encrypts unless the target is a loopback address or a Unix
                socket. True encrypts with gRPC's default root certificates, a `TLS`
                with other certificates. False does not encrypt.
            timeout: Seconds that a call may take including retries, unless the call
                has its own timeout. Streams have none.
            retry: How to retry writes while the authority is UNAVAILABLE; None for
                the defaults of `RetryPolicy`.
            added_metadata: Returns metadata to add to a call, such as a `traceparent`, of
                which the authority continues the trace. Called before each try.
        """
        credentials, options = channel_credentials(target, tls=tls), channel_options()
        if credentials is None:
            channel = insecure_channel(target, options)
        else:
            channel = secure_channel(target, credentials, options)
        calls = Calls(
            api_key=api_key,
            timeout=timeout,
            retry=retry or RetryPolicy(),
            added_metadata=added_metadata,
        )
        return cls(channel, calls)

    def close(self) -> None:
        """Close the connection and cancel the calls in progress."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
