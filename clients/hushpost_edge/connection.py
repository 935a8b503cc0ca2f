"""The connection to the authority."""

from collections.abc import Callable, Sequence

from hushpost_client import TLS, Hushpost, RetryPolicy
from hushpost_edge.settings import Settings

__all__ = ["connect_authority", "read_tls"]


def read_tls(settings: Settings) -> TLS | bool | None:
    """Return the client's TLS setting; None leaves the choice to the client. Raises OSError."""
    certificates = settings.read_certificates()
    return TLS(**certificates._asdict()) if certificates else settings.tls


def connect_authority(
    settings: Settings, added_metadata: Callable[[], Sequence[tuple[str, str]]] = tuple
) -> Hushpost:
    """Create a client in a running event loop; `added_metadata` is added to each call.

    The client does not retry calls: the uploader retries batches itself, and a reader
    should not wait for a second try. `max_backoff` applies to the stream of links.
    """
    return Hushpost.connect(
        settings.authority,
        api_key=settings.read_api_key(),
        tls=read_tls(settings),
        retry=RetryPolicy(max_tries=1, max_backoff=2.0),
        added_metadata=added_metadata,
    )
