"""The client: one connection, one API key, the five services."""

from types import TracebackType
from typing import Self

from grpc.aio import Channel

from hushpost_client._admin import Admin
from hushpost_client._calls import Calls
from hushpost_client._campaign import Campaigns
from hushpost_client._channel import TLS, open_channel
from hushpost_client._preference import Preferences
from hushpost_client._retry import RetryPolicy
from hushpost_client._stats import Stats
from hushpost_client._tracking import Tracking

__all__ = ["Hushpost"]


class Hushpost:
    """A client of the authority. Made by `Hushpost.connect`.

    Attributes:
        tracking: Record opens and clicks, resolve and watch links.
        preferences: Set, get and prove preferences, erase contacts.
        campaigns: Register campaigns, issue tokens.
        stats: Numbers.
        admin: Tenants, policies, keys.
    """

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._channel = channel
        self.tracking = Tracking(channel, calls)
        self.preferences = Preferences(channel, calls)
        self.campaigns = Campaigns(channel, calls)
        self.stats = Stats(channel, calls)
        self.admin = Admin(channel, calls)

    @classmethod
    def connect(
        cls,
        target: str,
        *,
        api_key: str,
        tls: TLS | bool,
        timeout: float = 10.0,
        retry: RetryPolicy | None = None,
    ) -> Self:
        """Prepare a connection; it is made at the first call. Call in a running loop.

        Args:
            target: `host:port`.
            api_key: The secret, `hp_…`. Sent in clear without TLS.
            tls: True for TLS with the usual roots, a `TLS` for other roots or a
                client certificate, False for none.
            timeout: Seconds that a call may take, retries included, unless the
                call says otherwise. Streams have none.
            retry: How writes are repeated while the authority is UNAVAILABLE;
                None for the defaults of `RetryPolicy`.
        """
        calls = Calls(api_key=api_key, timeout=timeout, retry=retry or RetryPolicy())
        return cls(open_channel(target, tls=tls), calls)

    async def close(self) -> None:
        """Close the connection; calls under way are given up."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
