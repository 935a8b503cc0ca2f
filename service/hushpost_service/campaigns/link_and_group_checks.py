"""Checks the links and groups of campaigns. Pure."""

from collections.abc import Sequence

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.validation import checked_id, checked_text, checked_url, converted
from hushpost_service.storage.campaigns import Group, Link, NewGroup
from hushpost_service.tokens.slot_permutation import MAX_SLOTS

__all__ = ["check_limits", "check_links_and_groups", "check_max_modes"]

_MAX_LINKS = 10_000
_MAX_GROUPS = 10_000


def check_links_and_groups(links: Sequence[Link], groups: Sequence[NewGroup]) -> None:
    """Check what a request adds.

    Raises ID_INVALID, FIELD_INVALID, LINK_URL_INVALID, LIMIT_EXCEEDED.
    """
    check_limits(len(links), len(groups))
    converted(links, _check_link)
    converted(groups, _check_group)
    if len({group.group_id for group in groups}) != len(groups):
        raise HushpostError(
            Reason.ID_INVALID,
            "group_id must be unique: a group is listed more than once",
            {"field": "group_id"},
        )


def check_max_modes(given: Sequence[NewGroup], groups: Sequence[Group]) -> None:
    """Raise FIELD_INVALID if a group has another `max_mode` than was given."""
    max_modes = {group.group_id: group.max_mode for group in groups}
    for group in given:
        existing = max_modes[group.group_id]
        if group.max_mode not in (None, existing):
            raise HushpostError(
                Reason.FIELD_INVALID,
                f"the group {group.group_id!r} has the max_mode {existing.name}, which cannot be "
                "changed; create another group",
                {"field": "max_mode"},
            )


def check_limits(links: int, groups: int) -> None:
    """Raise LIMIT_EXCEEDED if a campaign would have too many links or groups."""
    for count, limit, field in ((links, _MAX_LINKS, "links"), (groups, _MAX_GROUPS, "groups")):
        if count > limit:
            raise HushpostError(
                Reason.LIMIT_EXCEEDED,
                f"a campaign can have at most {limit} {field}",
                {"field": field, "limit": str(limit)},
            )


def _check_link(link: Link) -> None:
    checked_url(link.url)
    checked_text(link.label, "label", 128)
    if link.number:
        raise HushpostError(
            Reason.FIELD_INVALID,
            "link_number must be unset: the authority numbers the links",
            {"field": "link_number"},
        )


def _check_group(group: NewGroup) -> None:
    checked_id(group.group_id, "group_id")
    if not 0 <= group.expected_messages <= MAX_SLOTS:
        raise HushpostError(
            Reason.FIELD_INVALID,
            f"expected_messages must be from 0 to {MAX_SLOTS}",
            {"field": "expected_messages"},
        )
