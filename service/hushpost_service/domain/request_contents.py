"""What a request id was used for, so that using it for something else is detected. Pure.

A stored digest of a request must not tell what was in it. A request names contacts, and a
reader of the database could compute the digest for one contact after the other. Digests are
therefore keyed with the request id, which only the caller knows; the database has its hash.
"""

import hashlib
import json
from collections.abc import Mapping
from uuid import UUID

from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.domain.errors import HushpostError, Reason

__all__ = [
    "RecentRequests",
    "content_digest",
    "request_id_reused",
    "stored_request_id",
    "stored_request_text",
]

_DIGEST_BYTES = 16


def stored_request_id(request: UUID) -> UUID:
    """Return the hash of a request id, under which the request is stored.

    It hides the key of `content_digest`, and the time that ids of version 1 and 7 contain.
    """
    return UUID(stored_request_text(request))


def stored_request_text(request: UUID) -> str:
    """Return `stored_request_id` as text; creating a `UUID` takes longer than the hash."""
    return hashlib.sha256(b"hushpost request id" + request.bytes).hexdigest()[:32]


def content_digest(request: UUID, content: Mapping[str, object]) -> bytes:
    """Return the digest of a request's content, of 16 bytes.

    Args:
        request: The request id.
        content: Names and values, which JSON can express. Values that are false, such as
            None, 0 and "", count as absent. So a later version that adds a field with such
            a default computes the same digest for a request without it.
    """
    given = {name: value for name, value in content.items() if value}
    text = json.dumps(given, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(
        text.encode(), digest_size=_DIGEST_BYTES, key=request.bytes, person=b"hushpost request"
    ).digest()


class RecentRequests:
    """Remembers in memory what the last request ids were used for.

    For requests of which nothing but the id may be stored: those that record events.
    """

    def __init__(self, max_requests: int) -> None:
        # Hashes take a third of the memory of the values. Python keys hashes of texts anew
        # in each process.
        self._contents: BoundedCache[int, int] = BoundedCache(max_requests)

    def use(self, request: tuple[object, ...], content: int) -> None:
        """Remember the content of a request, given as a hash.

        Raises REQUEST_ID_REUSED if the request had another content before.
        """
        key = hash(request)
        known = self._contents.get(key)
        if known is None:
            self._contents[key] = content
        elif known != content:
            raise request_id_reused()


def request_id_reused() -> HushpostError:
    """Return the error for a request id that was used for another request."""
    return HushpostError(
        Reason.REQUEST_ID_REUSED,
        "the request_id was used for a request with other content; nothing was changed",
    )
