"""Sorts and filters the groups and links of a report. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from hushpost_service.domain.ordering import OrderBy
from hushpost_service.domain.searching import folded
from hushpost_service.stats.engagement import Engagement
from hushpost_service.stats.report import CampaignReport, GroupReport, LinkReport

__all__ = ["GROUP_FIELDS", "LINK_FIELDS", "listed_groups", "listed_links"]

T = TypeVar("T")

GROUP_FIELDS: Mapping[str, Callable[[GroupReport], Any]] = {
    "group_id": lambda group: group.group_id,
    "sent": lambda group: group.sent.total,
    "opens": lambda group: _people(group.opens.human),
    "clicks": lambda group: _people(group.clicks.human),
    "open_rate": lambda group: group.rates.open_rate.combined,
    "click_through_rate": lambda group: group.rates.click_through_rate.combined,
    "click_to_open_rate": lambda group: group.rates.click_to_open_rate.combined,
}
"""The fields by which groups can be sorted."""

LINK_FIELDS: Mapping[str, Callable[[LinkReport], Any]] = {
    "link_number": lambda link: link.number,
    "url": lambda link: link.url,
    "label": lambda link: folded(link.label),
    "clicks": lambda link: _people(link.clicks.human),
}
"""The fields by which links can be sorted."""


def listed_groups(
    report: CampaignReport, order: OrderBy | None, search: str
) -> Sequence[GroupReport]:
    """Return the groups whose id contains `search`, a case-folded text.

    They are sorted by a field of `GROUP_FIELDS`, otherwise in the order of their creation.
    """
    found = [group for group in report.groups if search in folded(group.group_id)]
    return _sorted(found, GROUP_FIELDS, order)


def listed_links(
    report: CampaignReport, order: OrderBy | None, search: str
) -> Sequence[LinkReport]:
    """Return the links whose URL or label contains `search`, a case-folded text.

    They are sorted by a field of `LINK_FIELDS`, otherwise by number.
    """
    found = [
        link for link in report.links if search in folded(link.url) or search in folded(link.label)
    ]
    return _sorted(found, LINK_FIELDS, order)


def _sorted(
    items: Sequence[T], fields: Mapping[str, Callable[[T], Any]], order: OrderBy | None
) -> Sequence[T]:
    if order is None:
        return items
    # Stable in either direction: ties keep the order of their creation.
    return sorted(items, key=fields[order.field], reverse=order.is_descending)


def _people(engagement: Engagement) -> int:
    """Return the people that a report shows: without an estimate, the identified ones."""
    combined = engagement.combined
    return engagement.identified.unique if combined is None else combined.value
