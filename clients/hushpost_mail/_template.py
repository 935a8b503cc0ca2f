"""A parsed message, ready to be rendered with tokens."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from hushpost_client import NewLink
from hushpost_mail._errors import CampaignSourceError
from hushpost_mail._links import SkippedLink
from hushpost_mail._tracking_urls import TrackingUrls

__all__ = ["MessageT", "MessageTemplate", "Template"]

MessageT = TypeVar("MessageT")
MessageT_co = TypeVar("MessageT_co", covariant=True)


class MessageTemplate(Protocol[MessageT_co]):
    """A parsed message of one type: strings, bytes or MIME."""

    @property
    def needs_preference_token(self) -> bool:
        """Whether the message contains a preference link."""
        ...

    def render_tracked(self, token: str, preference_token: str) -> MessageT_co:
        """Render the message with pixel and redirect links."""
        ...

    def render_untracked(self, preference_token: str) -> MessageT_co:
        """Render the source with preference links filled in and no other change."""
        ...


@dataclass(frozen=True, slots=True)
class Template(Generic[MessageT]):
    """A parsed message. Create it with `parse_template`, or use `Campaign.template`.

    Attributes:
        links: The tracked links; link number n is at index n - 1.
        skipped_links: The links that are not tracked, with reasons.
    """

    links: tuple[NewLink, ...]
    skipped_links: tuple[SkippedLink, ...]
    _tracking_urls: TrackingUrls
    _message: MessageTemplate[MessageT]

    def render(self, token: str | None, preference_token: str | None = None) -> MessageT:
        """Render the message.

        Args:
            token: The tracking token; None renders the source without tracking.
            preference_token: The token for preference links.

        Raises:
            CampaignSourceError: if the message contains a preference link and
                `preference_token` is None.
        """
        if self._message.needs_preference_token and not preference_token:
            raise CampaignSourceError(
                "the message contains a preference link, which needs a preference token: "
                "call issue_tokens with include_preference_tokens=True"
            )
        if not token:
            return self._message.render_untracked(preference_token or "")
        return self._message.render_tracked(token, preference_token or "")

    def preference_url(self, preference_token: str | None) -> str:
        """Return the URL of a contact's preference page; empty without a token."""
        return self._tracking_urls.preference_url(preference_token) if preference_token else ""
