"""Statistics as JSON and CSV, and campaigns as JSON."""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields, is_dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any, get_args, get_type_hints

from hushpost_client import Campaign, CampaignStats, GroupStats
from hushpost_documents.formulas import guard

__all__ = ["campaigns_json", "json_text", "stats_csv", "stats_json"]


def _paths(kind: Any, prefix: str = "") -> Iterator[str]:
    """Yield the path of each number in a dataclass, such as `opens.human.combined.unique`."""
    hints = get_type_hints(kind)
    for field in fields(kind):
        hint = hints[field.name]
        nested = next(filter(is_dataclass, (hint, *get_args(hint))), None)
        if nested is None:
            yield prefix + field.name
        else:
            yield from _paths(nested, f"{prefix}{field.name}.")


_NUMBERS = tuple(path for path in _paths(GroupStats) if path != "group_id")
_PARTS = tuple(dict.fromkeys(path.partition(".")[0] for path in _NUMBERS))
_COLUMNS = (
    "row",
    "campaign_id",
    "group_id",
    "link_number",
    "url",
    "label",
    "start_time",
    *_NUMBERS,
)

_SENT = ("sent", "clicks_sent")
_MODES = ("identified", "anonymous", "aggregate", "off")


def json_text(value: Any, *, indent: int | None = 2) -> str:
    """Return a JSON document; times are in UTC, such as `2026-11-28T15:04:05Z`."""
    return json.dumps(value, default=_text, indent=indent)


def stats_json(stats: CampaignStats, *, indent: int | None) -> str:
    """Return statistics with the names of `CampaignStats`."""
    return json_text(asdict(stats), indent=indent)


def campaigns_json(campaigns: Iterable[Campaign]) -> str:
    """Return campaigns, without what a list of campaigns leaves out."""
    listed = [
        {
            "campaign_id": campaign.campaign_id,
            "display_name": campaign.display_name,
            "create_time": campaign.create_time,
            "close_time": campaign.close_time,
            "max_mode": campaign.max_mode.name if campaign.max_mode else None,
        }
        for campaign in campaigns
    ]
    return json_text(listed)


def stats_csv(stats: CampaignStats) -> str:
    """Return rows for the campaign, its groups, links and hours.

    The column `row` says what a row is of. The columns of numbers have the names of the JSON,
    joined by dots. A cell is empty if there is no such number, and for the modes of messages
    before they are released and where groups share them.
    """
    text = StringIO()
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    for kind, part in _rows(asdict(stats)):
        cells = {"row": kind, "campaign_id": stats.campaign_id, **dict(_flat(part))}
        writer.writerow({column: guard(cell) for column, cell in cells.items()})
    return text.getvalue()


def _rows(stats: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "campaign", {part: stats[part] for part in _PARTS}
    for group in stats["groups"]:
        yield "group", group
    if stats["other_groups"]:
        yield "other_groups", stats["other_groups"]
    for link in stats["links"]:
        yield "link", link
    for hour in stats["hours"]:
        yield "hour", hour


def _known_modes(sent: dict[str, Any]) -> dict[str, Any]:
    """Return how many messages were sent, with their modes only if those are released."""
    modes = sum(sent[mode] for mode in _MODES)
    return sent if modes or sent["margin"] else {"total": sent["total"]}


def _flat(part: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in part.items():
        if name in _SENT:
            yield from _flat(_known_modes(value), f"{name}.")
        elif isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None:
            yield prefix + name, _text(value)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else str(value)
