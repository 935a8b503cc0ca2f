"""The binary format of events in the spool, 56 bytes each.

With a fixed size, a group of events is one value of one SQL statement, so that a commit
of a thousand events costs about the same as a commit of one.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import NamedTuple

from hushpost_client import Event, Verdict
from hushpost_edge.token_header import TOKEN_BYTES, encode_token

__all__ = ["RECORD_BYTES", "SpooledEvent", "event_count", "pack", "to_event", "unpack"]

# Token, link number, microseconds since 1970, verdict, flags.
_RECORD = Struct(f">{TOKEN_BYTES}sIQBB")
RECORD_BYTES = _RECORD.size
_PRIVACY_SIGNAL, _REPEATED = 1, 2

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_VERDICTS = (
    Verdict.UNKNOWN,
    Verdict.HUMAN,
    Verdict.PROXY,
    Verdict.PREFETCH,
    Verdict.SCANNER,
)
_VERDICT_NUMBERS = {verdict: number for number, verdict in enumerate(_VERDICTS)}


class SpooledEvent(NamedTuple):
    """An open (link 0) or a click (link n). `time` is in microseconds since 1970."""

    token: bytes
    link: int
    time: int
    verdict: Verdict
    privacy_signal: bool
    repeated: bool


def pack(event: SpooledEvent) -> bytes:
    """Encode an event."""
    token, link, time, verdict, privacy_signal, repeated = event
    flags = privacy_signal * _PRIVACY_SIGNAL | repeated * _REPEATED
    return _RECORD.pack(token, link, time, _VERDICT_NUMBERS[verdict], flags)


def event_count(size: int) -> int:
    """Return how many events a value of that size has, encrypted or not.

    Encryption adds fewer bytes than an event has (`spool_cipher.OVERHEAD_BYTES`).
    """
    return size // RECORD_BYTES


def unpack(blob: bytes) -> Iterator[SpooledEvent]:
    """Decode the events of a group."""
    for token, link, time, number, flags in _RECORD.iter_unpack(blob):
        privacy_signal, repeated = bool(flags & _PRIVACY_SIGNAL), bool(flags & _REPEATED)
        yield SpooledEvent(token, link, time, _VERDICTS[number], privacy_signal, repeated)


def to_event(spooled: SpooledEvent) -> Event:
    """Convert an event for the client."""
    token, link, time, verdict, privacy_signal, repeated = spooled
    return Event(
        encode_token(token),
        link_number=link or None,
        event_time=_EPOCH + timedelta(microseconds=time),
        verdict=verdict,
        privacy_signal=privacy_signal,
        repeated=repeated,
    )
