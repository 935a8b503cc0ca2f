"""A registered campaign, which renders its message for one recipient or for all."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic
from uuid import UUID, uuid4

from hushpost_client import Hushpost, IssuedToken, Mode, NewLink
from hushpost_mail._links import SkippedLink
from hushpost_mail._recipients import AnyRecipient, batched
from hushpost_mail._template import MessageT, Template
from hushpost_mail._token_batches import TokenBatchIssuer
from hushpost_mail._token_prefetch import prefetch_tokens
from hushpost_mail._warnings import MessageWarning

__all__ = ["Campaign", "RenderedMessage"]


@dataclass(frozen=True, slots=True)
class RenderedMessage(Generic[MessageT]):
    """The message of one recipient.

    Attributes:
        contact_id: The recipient.
        address: The address from the `Recipient`; empty if it had none.
        mode: The tracking mode of the message's opens; None for a mode that the client
            does not know.
        message: `Parts` or `Mail`, depending on what the campaign was created from.
        preference_url: The contact's preference page; empty without a preference
            token. `Campaign.render_all` always requests one.
        click_mode: The tracking mode of the message's clicks; like `mode`.
    """

    contact_id: str
    address: str
    mode: Mode | None
    message: MessageT
    preference_url: str
    click_mode: Mode | None


class Campaign(Generic[MessageT]):
    """A message whose links are registered with the authority.

    Create it with `create_campaign`.

    Attributes:
        campaign_id: The tenant's id of the campaign.
        template: The parsed message.
        issue_key: What other API keys of the tenant pass to `create_campaign` to send
            messages of the campaign, too; None if another API key created it.
    """

    def __init__(
        self,
        hushpost: Hushpost,
        campaign_id: str,
        template: Template[MessageT],
        *,
        issue_key: bytes | None = None,
        tenant_id: str | None = None,
    ) -> None:
        self.campaign_id = campaign_id
        self.issue_key = issue_key
        self.template = template
        self._hushpost = hushpost
        self._tenant_id = tenant_id

    @property
    def links(self) -> tuple[NewLink, ...]:
        """The tracked links; link number n is at index n - 1."""
        return self.template.links

    @property
    def skipped_links(self) -> tuple[SkippedLink, ...]:
        """The links that are not tracked, with reasons."""
        return self.template.skipped_links

    @property
    def warnings(self) -> tuple[MessageWarning, ...]:
        """What you should look at before you send the message."""
        return self.template.warnings

    def render(self, issued: IssuedToken, *, address: str = "") -> RenderedMessage[MessageT]:
        """Render the message with tokens that you requested yourself.

        Use `render_all` unless you call `issue_tokens` yourself. The pixel has the token
        for opens, the links have that for clicks. If both are OFF, the message equals the
        source byte for byte, except for preference links. If both are AGGREGATE, it is
        identical for the whole group, except for preference links, which are per contact
        in every mode.

        Raises:
            CampaignSourceError: if the message contains a preference link and `issued`
                has no preference token.
        """
        return RenderedMessage(
            issued.contact_id,
            address,
            issued.mode,
            self.template.render_issued(issued),
            self.template.preference_url(issued.preference_token),
            issued.click_mode,
        )

    async def render_all(
        self,
        recipients: Iterable[AnyRecipient] | AsyncIterable[AnyRecipient],
        *,
        run_id: UUID | None = None,
        batch_size: int = 1000,
        prefetch: int = 2,
        retry_seconds: float = 300.0,
    ) -> AsyncGenerator[RenderedMessage[MessageT], None]:
        """Issue tokens and render one message per recipient, in order.

        Tokens are requested in batches, before they are needed. At most
        `batch_size * (prefetch + 1)` recipients are in memory. Use
        `contextlib.aclosing` if you may leave the loop early.

        Args:
            recipients: `Recipient` objects, or pairs of contact id and group id.
                Iterated once.
            run_id: Identifies this run. To resume after a crash, pass the same
                `run_id`, recipients, order and batch size: messages are then counted
                as sent once. None starts a new run.
            batch_size: Recipients per batch, 1 to 10,000.
            prefetch: How many batches of tokens are requested in advance.
            retry_seconds: How long a batch is retried while the authority is
                unavailable or overloaded, always under the same idempotency key.

        Raises:
            HushpostError: as `Campaigns.issue_tokens`; unavailability and overload
                only after `retry_seconds`.
            ValueError: if `batch_size` is out of range.
        """
        issuer = TokenBatchIssuer(
            self._hushpost,
            self.campaign_id,
            issue_key=self.issue_key,
            tenant_id=self._tenant_id,
            run_id=run_id or uuid4(),
            retry_seconds=retry_seconds,
        )
        async with (
            aclosing(batched(recipients, batch_size)) as batches,
            aclosing(prefetch_tokens(batches, issuer.issue, prefetch)) as issued_batches,
        ):
            async for issued_batch in issued_batches:
                for recipient, issued in issued_batch:
                    yield self.render(issued, address=recipient.address)
                # Rendering never awaits. A caller that does not either would keep the
                # event loop from prefetching the next batch.
                await asyncio.sleep(0)
