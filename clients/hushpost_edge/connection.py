"""The connection to the authority."""

from hushpost_client import TLS, Hushpost, RetryPolicy
from hushpost_edge.settings import Settings

__all__ = ["connect_authority"]


def connect_authority(settings: Settings) -> Hushpost:
    """Prepare a client that leaves repeating to its callers. Call in a running loop."""
    tls: TLS | bool = settings.is_encrypted
    if tls and settings.ca_file is not None:
        tls = TLS(root_certificates=settings.ca_file.read_bytes())
    return Hushpost.connect(
        settings.authority,
        api_key=settings.read_api_key(),
        tls=tls,
        retry=RetryPolicy(max_tries=1, max_backoff=2.0),
    )
