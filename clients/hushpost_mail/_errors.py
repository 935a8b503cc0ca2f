"""The error that this package raises."""

__all__ = ["CampaignSourceError"]


class CampaignSourceError(ValueError):
    """The message cannot be turned into a campaign; the text says what to change."""
