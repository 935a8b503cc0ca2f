"""The connection to the authority."""

from hushpost_client import TLS, Hushpost, RetryPolicy
from hushpost_edge.settings import Settings

__all__ = ["connect_authority"]


def connect_authority(settings: Settings) -> Hushpost:
    """Create a client in a running event loop.

    The client does not retry calls: the uploader retries batches itself, and a reader
    should not wait for a second try. `max_backoff` applies to the stream of links.
    """
    tls: TLS | bool | None = settings.tls
    if settings.ca_file is not None and tls is not False:
        tls = TLS(root_certificates=settings.ca_file.read_bytes())
    return Hushpost.connect(
        settings.authority,
        api_key=settings.read_api_key(),
        tls=tls,
        retry=RetryPolicy(max_tries=1, max_backoff=2.0),
    )
