"""A compiled campaign: renders its message, one recipient or all of them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic
from uuid import UUID, uuid4

from hushpost_client import Hushpost, IssuedToken, Mode, NewLink
from hushpost_mail._ahead import Recipient, in_batches, tokens_ahead
from hushpost_mail._issuing import TokenDesk
from hushpost_mail._link_types import SkippedLink
from hushpost_mail._template import Message, Template

__all__ = ["Campaign", "Rendered"]


@dataclass(frozen=True, slots=True)
class Rendered(Generic[Message]):
    """One recipient's message.

    Attributes:
        contact_id: Whose it is.
        address: What came with the recipient.
        mode: The contact's mode for this message.
        message: `Parts` or `Mail`, as the campaign was compiled from.
        preference_url: Of the contact's preference page.
    """

    contact_id: str
    address: str
    mode: Mode | None
    message: Message
    preference_url: str


class Campaign(Generic[Message]):
    """A message that is registered with the authority. Made by `create_campaign`.

    Attributes:
        campaign_id: The tenant's id of it.
        template: The message taken apart.
    """

    def __init__(
        self, hushpost: Hushpost, campaign_id: str, template: Template[Message], tenant_id: str = ""
    ) -> None:
        self.campaign_id = campaign_id
        self.template = template
        self._hushpost = hushpost
        self._tenant_id = tenant_id

    @property
    def links(self) -> tuple[NewLink, ...]:
        """The links that are rewritten; link n is at index n - 1."""
        return self.template.links

    @property
    def skipped_links(self) -> tuple[SkippedLink, ...]:
        """The links that stay as they are."""
        return self.template.skipped_links

    def render(self, issued: IssuedToken, *, address: str = "") -> Rendered[Message]:
        """Put a contact's tokens into the message; nothing is parsed.

        In the mode OFF the message is what was compiled, to the byte, with its
        preference links filled. In AGGREGATE it is the same for all of a group,
        but for preference links, which are the contact's own in every mode.

        Raises CampaignSourceError if the message has a place for a preference link and
        `issued` has no token for it.
        """
        token, preference_token = issued.token or "", issued.preference_token or ""
        return Rendered(
            issued.contact_id,
            address,
            issued.mode,
            self.template.fill(token, preference_token),
            self.template.preference_url(preference_token),
        )

    async def render_all(
        self,
        recipients: Iterable[Recipient | tuple[str, str]]
        | AsyncIterable[Recipient | tuple[str, str]],
        *,
        run_id: UUID | None = None,
        batch: int = 1000,
        ahead: int = 2,
        patience: float = 300.0,
    ) -> AsyncGenerator[Rendered[Message], None]:
        """Render a message per recipient, in order, for any number of them.

        Tokens are asked for in batches ahead of use; never more than
        `batch * (ahead + 1)` recipients are held. Wrap it in
        `contextlib.aclosing` if you leave the loop before its end.

        Args:
            recipients: Whom to render for: `Recipient`, or pairs of contact id
                and group id. Iterated once.
            run_id: To go on after a crash: the same recipients in the same order
                and batches under the same `run_id` are counted as sent once.
                None: this run counts by itself.
            batch: How many recipients are asked for at once, 1…10,000.
            ahead: How many batches are asked for before they are needed.
            patience: For how many seconds a batch is tried again while the
                authority is away or overloaded, always under one request id.

        Raises:
            HushpostError: as `issue_tokens` does, and what is left of being away
                or overloaded after `patience`.
            ValueError: for a batch out of its bounds.
        """
        desk = TokenDesk(
            self._hushpost, self.campaign_id, self._tenant_id, run_id or uuid4(), patience
        )
        async with (
            aclosing(in_batches(recipients, batch)) as batches,
            aclosing(tokens_ahead(batches, desk.issue, ahead)) as issued_batches,
        ):
            async for issued_batch in issued_batches:
                for recipient, issued in issued_batch:
                    yield self.render(issued, address=recipient.address)
                # Rendering takes no await of its own: whoever only collects
                # must not keep the loop from fetching the next batch.
                await asyncio.sleep(0)
        desk.warn()
