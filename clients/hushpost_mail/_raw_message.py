"""A MIME message as bytes, which keep what a parsed message has lost."""

import re
from dataclasses import dataclass, field
from email.generator import BytesGenerator
from email.message import Message
from email.policy import EmailPolicy, Policy
from io import BytesIO

from hushpost_mail._errors import CampaignSourceError

__all__ = ["RawMessage", "serialize"]

_BARE_LINEFEED = re.compile(rb"(?<!\r)\n")
_MAX_LINE = 998
"""RFC 5322, 2.1.1."""


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A MIME message as bytes, such as the content of an `.eml` file.

    All bytes outside links, pixel and preference links stay as they are. Only line ends
    that are LF become CRLF, because SMTP requires it.

    Attributes:
        content: The message: headers, an empty line, and the body.
    """

    content: bytes = field(repr=False)

    def with_crlf(self) -> bytes:
        """Return the message with CRLF line ends."""
        if self.content.count(b"\n") == self.content.count(b"\r\n"):
            return self.content
        return _BARE_LINEFEED.sub(b"\r\n", self.content)


def serialize(message: Message) -> RawMessage:
    """Return the bytes of a message of the `email` package, which is not modified.

    Headers that were parsed keep their folding if the package can reproduce it.

    Raises:
        CampaignSourceError: The package cannot serialize the message.
    """
    output = BytesIO()
    generator = BytesGenerator(output, mangle_from_=False, policy=_serialization_policy(message))
    try:
        generator.flatten(message)
    except Exception as error:
        raise CampaignSourceError(
            "the email package cannot serialize this message: pass the original bytes as "
            f"RawMessage ({type(error).__name__}: {error})"
        ) from error
    return RawMessage(output.getvalue())


def _serialization_policy(message: Message) -> "Policy[Message]":
    policy = message.policy.clone(linesep="\r\n")
    if isinstance(policy, EmailPolicy):
        return policy.clone(refold_source="none")
    # compat32 would fold all headers anew.
    return policy.clone(max_line_length=_MAX_LINE)
