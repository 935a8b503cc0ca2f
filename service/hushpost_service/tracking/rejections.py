"""Rejected items of batches, and the rejections that a repeated request gets again. Pure.

The verdict on an item can change between a request and its repetition: a link is added, or
an event becomes too old. A repetition records nothing, so it must return the first
verdicts. Otherwise its caller would take an item for recorded that was not, or would send
one again that was.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hushpost_service.domain.errors import HushpostError, Reason

__all__ = ["Rejection", "first_rejections", "packed_rejections"]


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejected item of a batch."""

    index: int
    error: HushpostError


def packed_rejections(rejections: Sequence[Rejection]) -> bytes:
    """Return what is stored of rejections: positions and reasons, which name no contact."""
    reasons: dict[str, list[int]] = {}
    for rejection in rejections:
        reasons.setdefault(rejection.error.reason, []).append(rejection.index)
    return zlib.compress(json.dumps(reasons).encode(), 1)


def first_rejections(
    rejections: Sequence[Rejection],
    tenants: Sequence[int | None],
    stored: Mapping[int, bytes],
) -> list[Rejection]:
    """Return the rejections of a request that was executed before for some tenants.

    Args:
        rejections: The rejections by the verdicts of this time.
        tenants: The tenant of each item; None if its token names none.
        stored: What is stored of the first rejections, by tenant; empty if nothing was
            rejected.
    """
    first = {tenant: _unpacked(packed) for tenant, packed in stored.items()}
    now = {rejection.index: rejection for rejection in rejections}
    found = (
        first[tenant].get(index) if tenant in first else now.get(index)
        for index, tenant in enumerate(tenants)
    )
    return [rejection for rejection in found if rejection is not None]


def _unpacked(packed: bytes) -> dict[int, Rejection]:
    if not packed:
        return {}
    reasons = json.loads(zlib.decompress(packed))
    return {
        index: Rejection(
            index,
            HushpostError(Reason(reason), "the item was rejected when the request was executed"),
        )
        for reason, indexes in reasons.items()
        for index in indexes
    }
