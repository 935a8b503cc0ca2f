"""The error of this package."""

__all__ = ["CampaignSourceError"]


class CampaignSourceError(ValueError):
    """The message can't be compiled; the text says what to change about it."""
