"""Words and times as they are on the wire."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from hushpost.v1 import (
    admin_pb2,
    campaign_pb2,
    preference_pb2,
    privacy_pb2,
    stats_pb2,
)
from hushpost_client import _words

__all__ = [
    "DO_NOT_TRACK",
    "ENGAGEMENT",
    "HISTORY",
    "ISSUE_WARNING",
    "MODE",
    "PREFERENCE_SOURCE",
    "PROOF",
    "ROLE",
    "VERDICT",
    "Wording",
    "from_timestamp",
    "set_timestamp",
]

_Word = TypeVar("_Word", bound=StrEnum)
_Number = TypeVar("_Number", bound=int)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_A_DAY = 86_400


class Wording(Generic[_Word, _Number]):
    """Translates one enum, both ways, by name."""

    def __init__(
        self, words: type[_Word], prefix: str, wire: Iterable[tuple[str, _Number]]
    ) -> None:
        self.numbers: dict[_Word, _Number] = {
            words(name.removeprefix(prefix)): number for name, number in wire
        }
        self._words: dict[int, _Word] = {number: word for word, number in self.numbers.items()}
        self._unspecified = self._words[0]

    def number(self, word: _Word) -> _Number:
        """Answer the number on the wire."""
        return self.numbers[word]

    def word(self, number: int) -> _Word:
        """Answer the word, UNSPECIFIED for a number that a newer authority sent."""
        return self._words.get(number, self._unspecified)


DO_NOT_TRACK = Wording(_words.DoNotTrack, "DO_NOT_TRACK_", privacy_pb2.DoNotTrack.items())
MODE = Wording(_words.Mode, "MODE_", privacy_pb2.Mode.items())
HISTORY = Wording(_words.History, "HISTORY_", privacy_pb2.History.items())
VERDICT = Wording(_words.Verdict, "VERDICT_", privacy_pb2.Verdict.items())
PREFERENCE_SOURCE = Wording(
    _words.PreferenceSource,
    "PREFERENCE_SOURCE_",
    preference_pb2.PreferenceSource.items(),
)
PROOF = Wording(_words.Proof, "PROOF_", preference_pb2.Proof.items())
ROLE = Wording(_words.Role, "ROLE_", admin_pb2.Role.items())
ISSUE_WARNING = Wording(_words.IssueWarning, "ISSUE_WARNING_", campaign_pb2.IssueWarning.items())
ENGAGEMENT = Wording(_words.Engagement, "ENGAGEMENT_", stats_pb2.Engagement.items())


def set_timestamp(timestamp: Timestamp, time: datetime) -> None:
    """Write an aware time into a field of a message.

    By hand, because `Timestamp.FromDatetime` costs three times as much, which
    shows in batches of events.

    Raises:
        ValueError: if the time is not aware.
    """
    if time.tzinfo is None:
        raise ValueError("a time must be aware; use datetime.now(UTC)")
    since = time - _EPOCH
    timestamp.seconds = since.days * _SECONDS_A_DAY + since.seconds
    timestamp.nanos = since.microseconds * 1000


def from_timestamp(timestamp: Timestamp) -> datetime:
    """Answer a field of a message as an aware time in UTC."""
    return timestamp.ToDatetime(tzinfo=UTC)
