"""What the list of campaigns shows: search text, order, page, and campaigns to compare."""

from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from hushpost_dashboard.search_text import search_text

__all__ = ["MAX_COMPARED", "CampaignQuery", "compared_campaigns"]

MAX_COMPARED = 5
"""How many campaigns one page compares: as many as have clearly different colours."""

_ORDERS = {
    "newest": "create_time desc",
    "oldest": "create_time",
    "name": "display_name",
    "name-desc": "display_name desc",
}
_MAX_PAGE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignQuery:
    """The parameters in the address of the list.

    Attributes:
        text: What ids or names must contain; empty for all campaigns.
        sort: "newest", "oldest", "name" or "name-desc".
        page: The page, from 1.
        compared: The ids of campaigns that have been chosen for comparison.
    """

    text: str = ""
    sort: str = "newest"
    page: int = 1
    compared: tuple[str, ...] = ()

    @classmethod
    def of(cls, parameters: QueryParams) -> Self:
        """Read the parameters of an address; invalid ones get their default."""
        sort, page = parameters.get("sort", ""), parameters.get("page", "")
        is_page = page.isascii() and page.isdigit() and len(page) <= len(str(_MAX_PAGE))
        return cls(
            text=search_text(parameters.get("q", "")),
            sort=sort if sort in _ORDERS else "newest",
            page=max(1, int(page)) if is_page else 1,
            compared=compared_campaigns(parameters)[:MAX_COMPARED],
        )

    @property
    def order_by(self) -> str:
        """The order as the authority names it."""
        return _ORDERS[self.sort]

    def path(self, **changes: Any) -> str:
        """Return the address of the list with some parameters changed."""
        changed = replace(self, **changes)
        default = CampaignQuery()
        parameters = [
            (name, str(value))
            for name, value, unless in (
                ("q", changed.text, default.text),
                ("sort", changed.sort, default.sort),
                ("page", changed.page, default.page),
            )
            if value != unless
        ]
        parameters += [("campaign", campaign_id) for campaign_id in changed.compared]
        return "/campaigns" + (f"?{urlencode(parameters)}" if parameters else "")

    def comparison_path(self, without: str) -> str:
        """Return the address of the comparison without one of its campaigns."""
        others = [("campaign", each) for each in self.compared if each != without]
        return "/compare" + (f"?{urlencode(others)}" if others else "")


def compared_campaigns(parameters: QueryParams) -> tuple[str, ...]:
    """Return the ids of the campaigns to compare, each once."""
    return tuple(dict.fromkeys(filter(None, parameters.getlist("campaign"))))
