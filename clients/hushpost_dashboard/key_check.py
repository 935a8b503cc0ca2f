"""Checks the API key of someone who signs in."""

from contextlib import suppress

from hushpost_client import Hushpost, InvalidArgumentError, NotFoundError

__all__ = ["check_key", "is_plausible_key"]

_TIMEOUT_SECONDS = 5.0
_MAX_KEY_LENGTH = 200


def is_plausible_key(text: str) -> bool:
    """Return whether a text could be an API key. gRPC metadata must be printable ASCII."""
    return 0 < len(text) <= _MAX_KEY_LENGTH and text.isascii() and text.isprintable()


async def check_key(hushpost: Hushpost) -> str | None:
    """Return the tenant of a client's API key; None if it has no campaigns yet.

    Keys of role SENDER may list campaigns, too, so a call that requires the role REPORTER comes
    first. No campaign has an empty id.

    Raises HushpostError.
    """
    with suppress(InvalidArgumentError, NotFoundError):
        await hushpost.stats.get_campaign_stats("", timeout=_TIMEOUT_SECONDS)
    async for campaign in hushpost.campaigns.list_campaigns(page_size=1, timeout=_TIMEOUT_SECONDS):
        return campaign.tenant_id
    return None
