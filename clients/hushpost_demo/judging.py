"""Compares a campaign's report with the model, and says so."""

from collections.abc import Sequence

from hushpost_client import CampaignStats, Engagement, Hushpost
from hushpost_demo.check import differences, numbers
from hushpost_demo.model import Model
from hushpost_demo.plan import Message

__all__ = ["Judgement", "judge"]

_SHOWN_DIFFERENCES = 30


class Judgement:
    """Whether every number was as it should be, and `lines` that say so."""

    def __init__(self, found: Sequence[str], expected: int, model: Model) -> None:
        self.is_right = not found
        if found:
            shown = [f"WRONG {line}" for line in found[:_SHOWN_DIFFERENCES]]
            self.lines = [*shown, f"{len(found):,} differences from what was sent"]
            return
        held_back = f"{model.held_back():,} anonymous events are held back for now"
        self.lines = [f"all {expected:,} numbers match what was sent; {held_back}"]


async def judge(
    reporter: Hushpost,
    model: Model,
    messages: Sequence[Message],
    expected_stats: CampaignStats,
    stats: CampaignStats,
    surprises: Sequence[str],
) -> Judgement:
    """Compare what was answered with what was predicted, and who is named with who may be.

    Raises:
        HushpostError: if the authority refuses.
    """
    expected = numbers(expected_stats)
    for number, (opens, clicks) in model.engaged().items():
        expected |= _engaged(messages[number].contact_id, opens, clicks)
    answered = numbers(stats)
    async for contact in reporter.stats.list_engaged_contacts(
        stats.campaign_id, Engagement.ANY, include_machine=True, page_size=1000
    ):
        answered |= _engaged(contact.contact_id, contact.open_count, contact.click_count)
    return Judgement([*surprises, *differences(expected, answered)], len(expected), model)


def _engaged(contact_id: str, opens: int, clicks: int) -> dict[str, object]:
    return {f"engaged {contact_id} > opens": opens, f"engaged {contact_id} > clicks": clicks}
