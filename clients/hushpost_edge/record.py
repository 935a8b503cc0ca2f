"""How an event lies in the spool: 56 bytes. Pure.

Small, and of one size, so that a group of events is one value in one statement:
then a commit costs the same for one event as for a thousand.
"""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from hushpost_client import Verdict
from hushpost_edge.token import TOKEN_BYTES

__all__ = ["RECORD_BYTES", "SpooledEvent", "pack", "unpack"]

# Token, link number, microseconds since 1970, verdict, privacy signal.
_RECORD = Struct(f">{TOKEN_BYTES}sIQBB")
RECORD_BYTES = _RECORD.size

_VERDICTS = (
    Verdict.UNKNOWN,
    Verdict.HUMAN,
    Verdict.PROXY,
    Verdict.PREFETCH,
    Verdict.SCANNER,
)
_NUMBERS = {verdict: number for number, verdict in enumerate(_VERDICTS)}


class SpooledEvent(NamedTuple):
    """An open (link 0) or a click (link n). `time` is in microseconds since 1970."""

    token: bytes
    link: int
    time: int
    verdict: Verdict
    privacy_signal: bool


def pack(event: SpooledEvent) -> bytes:
    """Return the bytes of an event."""
    token, link, time, verdict, privacy_signal = event
    return _RECORD.pack(token, link, time, _NUMBERS[verdict], privacy_signal)


def unpack(blob: bytes) -> Iterator[SpooledEvent]:
    """Return the events of a group."""
    for token, link, time, number, privacy_signal in _RECORD.iter_unpack(blob):
        yield SpooledEvent(token, link, time, _VERDICTS[number], bool(privacy_signal))
