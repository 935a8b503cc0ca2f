"""The API key that creates a campaign or issues its tokens."""

from dataclasses import dataclass, field

__all__ = ["Sender"]


@dataclass(frozen=True, slots=True)
class Sender:
    """The API key that issues tokens.

    Attributes:
        api_key: Its number.
        wrapping_secret: The secret that encrypts its issue keys.
        issue_key: The issue key that the call passes; empty if it passes none.
    """

    api_key: int
    wrapping_secret: bytes = field(repr=False)
    issue_key: bytes = field(default=b"", repr=False)
