"""A message taken apart: what is the same for all, with places for the tokens."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from hushpost_client import NewLink
from hushpost_mail._errors import CampaignSourceError
from hushpost_mail._link_types import SkippedLink
from hushpost_mail._urls import TrackingUrls

__all__ = ["Fillable", "Message", "Template"]

Message = TypeVar("Message")
Message_co = TypeVar("Message_co", covariant=True)


class Fillable(Protocol[Message_co]):
    """What a kind of message has to offer: itself with tokens, and without."""

    @property
    def takes_preference_token(self) -> bool:
        """Whether a preference link has a place in it."""
        ...

    def tracked(self, token: str, preference_token: str) -> Message_co:
        """Answer the message with pixel and rewritten links."""
        ...

    def untracked(self, preference_token: str) -> Message_co:
        """Answer the message as it was given, its preference links filled."""
        ...


@dataclass(frozen=True, slots=True)
class Template(Generic[Message]):
    """A compiled message, before or after it has become a campaign.

    Attributes:
        urls: Where its links lead.
        links: What was found and will be registered, in the order of the link numbers.
        skipped_links: What was found and stays as it is, with the reason.
    """

    urls: TrackingUrls
    links: tuple[NewLink, ...]
    skipped_links: tuple[SkippedLink, ...]
    _pieces: Fillable[Message]

    def fill(self, token: str, preference_token: str = "") -> Message:
        """Answer the message with tokens in it; as it was given where `token` is empty.

        Raises CampaignSourceError if the message has a place for a preference link and
        no token for it was given.
        """
        if self._pieces.takes_preference_token and not preference_token:
            raise CampaignSourceError(
                "the message has a place for a preference link: ask for tokens with "
                "include_preference_tokens=True"
            )
        if not token:
            return self._pieces.untracked(preference_token)
        return self._pieces.tracked(token, preference_token)

    def preference_url(self, preference_token: str) -> str:
        """Answer the address of a contact's preference page; empty without a token."""
        return f"{self.urls.base}/p/{preference_token}" if preference_token else ""
