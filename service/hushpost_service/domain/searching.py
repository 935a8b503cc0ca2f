"""Case-insensitive search in names, and the order of lists by name. Pure."""

from hushpost_service.domain.validation import checked_text

__all__ = ["campaign_search_text", "checked_search", "folded"]

_MAX_BYTES = 256


def folded(text: str) -> str:
    """Return a text in a form that is the same for upper and lower case."""
    return text.casefold()


def checked_search(text: str) -> str:
    """Return the case-folded `filter` of a list. Raises FIELD_INVALID."""
    return folded(checked_text(text, "filter", _MAX_BYTES))


def campaign_search_text(display_name: str, campaign_id: str) -> str:
    """Return the text that a campaign is sorted by, and that is searched.

    Campaigns with equal names are sorted by their ids.
    """
    return folded(f"{display_name or campaign_id}\n{campaign_id}")
