"""The addresses of a campaign's pages. A campaign id may contain any character, `/` included."""

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import quote, unquote, urlencode

__all__ = ["CampaignDocument", "campaign_path", "parse_campaign_path"]

_FOLDER = "/campaigns/"
_PLACEHOLDER = "-"
_ID_PARAMETER = "id"


class CampaignDocument(StrEnum):
    """A document about a campaign; the value is the end of its path."""

    PAGE = ""
    CSV = ".csv"
    JSON = ".json"
    EVENTS = "/events"
    MESSAGE = "/message"
    PRINT = "/print"


def campaign_path(campaign_id: str, document: str = "") -> str:
    """Return the address of a campaign's page or of another document about it.

    The id is percent-encoded. Browsers resolve the segments `.` and `..`, even if they are
    encoded, so these two ids are a query parameter.
    """
    if campaign_id in {".", ".."}:
        query = urlencode({_ID_PARAMETER: campaign_id})
        return f"{_FOLDER}{_PLACEHOLDER}{document}?{query}"
    quoted = quote(campaign_id, safe="")
    for ending in (CampaignDocument.CSV, CampaignDocument.JSON):
        if quoted.endswith(ending):
            # This is not the ending of an export.
            quoted = f"{quoted.removesuffix(ending)}%2E{ending[1:]}"
    return f"{_FOLDER}{quoted}{document}"


def parse_campaign_path(
    raw_path: bytes, parameters: Mapping[str, str]
) -> tuple[str, CampaignDocument] | None:
    """Return the campaign id and the document of an address; None if it has none.

    Args:
        raw_path: The path as the browser sent it, percent-encoded: only there is a `/` of an id
            different from one of the address.
        parameters: The query parameters.
    """
    path = raw_path.decode("latin-1").removeprefix(_FOLDER)
    document = next((each for each in CampaignDocument if each and path.endswith(each)), None)
    if document is not None:
        path = path.removesuffix(document)
    try:
        campaign_id = unquote(path, errors="strict")
    except UnicodeDecodeError:
        return None
    campaign_id = parameters.get(_ID_PARAMETER, campaign_id)
    return (campaign_id, document or CampaignDocument.PAGE) if campaign_id else None
