"""Remembers which campaigns have the HTML of their message, which never changes."""

from collections import OrderedDict

from hushpost_client import ErrorReason, Hushpost, NotFoundError

__all__ = ["MessageFlags"]

_MAX_CAMPAIGNS = 10_000


class MessageFlags:
    """A bounded cache of whether campaigns have a message. API keys keep tenants apart."""

    def __init__(self) -> None:
        self._flags: OrderedDict[tuple[str, str], bool] = OrderedDict()

    async def has_message(self, hushpost: Hushpost, api_key: str, campaign_id: str) -> bool:
        """Return whether a campaign has a message. Raises HushpostError."""
        key = api_key, campaign_id
        if key not in self._flags:
            self._flags[key] = await _has_message(hushpost, campaign_id)
            if len(self._flags) > _MAX_CAMPAIGNS:
                self._flags.popitem(last=False)
        return self._flags[key]


async def _has_message(hushpost: Hushpost, campaign_id: str) -> bool:
    try:
        await hushpost.campaigns.get_campaign_message(campaign_id)
    except NotFoundError as error:
        if error.reason is ErrorReason.CAMPAIGN_MESSAGE_NOT_FOUND:
            return False
        raise
    return True
