"""CSRF tokens: prove that a submitted form comes from a page of this dashboard.

A token is a random nonce and its HMAC. It is another one in each page, so that compression of
pages does not reveal it bit by bit (the BREACH attack).
"""

import base64
import binascii
import hmac
import secrets

__all__ = ["csrf_token", "is_csrf_token"]

_NONCE_BYTES = 16
_TOKEN_BYTES = _NONCE_BYTES + 32


def csrf_token(secret: bytes) -> str:
    """Return a new token for the forms of a session with this secret."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.urlsafe_b64encode(nonce + _mac(secret, nonce)).decode()


def is_csrf_token(secret: bytes, token: str) -> bool:
    """Return whether a token was made with this secret."""
    try:
        raw = base64.b64decode(token.encode("ascii"), b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return False
    nonce, mac = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
    return len(raw) == _TOKEN_BYTES and hmac.compare_digest(mac, _mac(secret, nonce))


def _mac(secret: bytes, nonce: bytes) -> bytes:
    return hmac.digest(secret, b"csrf" + nonce, "sha256")
