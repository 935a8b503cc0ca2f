"""A parsed message, ready to be rendered with tokens."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from hushpost_client import IssuedToken, NewLink
from hushpost_mail._errors import CampaignSourceError
from hushpost_mail._links import SkippedLink
from hushpost_mail._segments import Tokens
from hushpost_mail._tracking_urls import TrackingUrls
from hushpost_mail._warnings import MessageWarning

__all__ = ["MessageT", "MessageTemplate", "Template"]

MessageT = TypeVar("MessageT")
MessageT_co = TypeVar("MessageT_co", covariant=True)


class MessageTemplate(Protocol[MessageT_co]):
    """A parsed message of one type: strings, bytes or MIME."""

    @property
    def needs_preference_token(self) -> bool:
        """Whether the message contains a preference link."""
        ...

    def render(self, tokens: Tokens) -> MessageT_co:
        """Render the message: the source with its tokens, and no other change."""
        ...


@dataclass(frozen=True, slots=True)
class Template(Generic[MessageT]):
    """A parsed message. Create it with `parse_template`, or use `Campaign.template`.

    Attributes:
        links: The tracked links; link number n is at index n - 1.
        skipped_links: The links that are not tracked, with reasons.
        warnings: What you should look at before you send the message.
    """

    links: tuple[NewLink, ...]
    skipped_links: tuple[SkippedLink, ...]
    warnings: tuple[MessageWarning, ...]
    _tracking_urls: TrackingUrls
    _message: MessageTemplate[MessageT]

    def render(self, token: str | None, preference_token: str | None = None) -> MessageT:
        """Render the message with one tracking token for its pixel and links.

        Args:
            token: The tracking token; None renders the source without tracking.
            preference_token: The token for preference links.

        Raises:
            CampaignSourceError: if the message contains a preference link and
                `preference_token` is None.
        """
        return self._render(Tokens(token or "", token or "", preference_token or ""))

    def render_issued(self, issued: IssuedToken) -> MessageT:
        """Render the message with the tokens of `issue_tokens`, which can differ.

        Raises:
            CampaignSourceError: if the message contains a preference link and `issued`
                has no preference token.
        """
        pixel, link = issued.token or "", issued.click_token or ""
        return self._render(Tokens(pixel, link, issued.preference_token or ""))

    def _render(self, tokens: Tokens) -> MessageT:
        if self._message.needs_preference_token and not tokens.preference:
            raise CampaignSourceError(
                "the message contains a preference link, which needs a preference token: "
                "call issue_tokens with include_preference_tokens=True"
            )
        return self._message.render(tokens)

    def preference_url(self, preference_token: str | None) -> str:
        """Return the URL of a contact's preference page; empty without a token."""
        return self._tracking_urls.preference_url(preference_token) if preference_token else ""
