"""Returns the HTML of a message as text, before any link is rewritten."""

from email.message import Message as MimeMessage

from hushpost_mail._charset import decode
from hushpost_mail._mime_structure import find_text_parts
from hushpost_mail._raw_message import RawMessage, serialize

__all__ = ["html_of"]

_BYTE_ORDER_MARK = "\ufeff"


def html_of(message: str | bytes | MimeMessage | RawMessage | None, charset: str) -> str | None:
    """Return the HTML part, the first one of a MIME message; None if there is none.

    `charset` is that of bytes; a MIME part names its own.
    """
    if isinstance(message, MimeMessage):
        message = serialize(message)
    if isinstance(message, RawMessage):
        message, charset = _html_part(message.with_crlf())
    if isinstance(message, bytes):
        message = decode(message, charset).text
    return message and message.removeprefix(_BYTE_ORDER_MARK)


def _html_part(message: bytes) -> tuple[bytes | None, str]:
    """Return the content of the first HTML part and its charset."""
    for part in find_text_parts(message):
        if part.is_html:
            encoded = message[part.start : part.end].decode("ascii", "surrogateescape")
            part.headers.set_payload(encoded)
            # Decodes the content transfer encoding.
            content = part.headers.get_payload(decode=True)
            return (content if isinstance(content, bytes) else None), part.charset
    return None, ""
