"""Converts enums and timestamps to and from the wire."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from hushpost.v1 import (
    admin_pb2,
    preference_pb2,
    privacy_pb2,
    stats_pb2,
)
from hushpost_client import _enums

__all__ = [
    "CONSENT",
    "DO_NOT_TRACK",
    "ENGAGEMENT",
    "HISTORY",
    "MODE",
    "PREFERENCE_SOURCE",
    "PROOF",
    "RELEASE",
    "ROLE",
    "STATS_VIEW",
    "VERDICT",
    "EnumCodec",
    "from_timestamp",
    "set_timestamp",
]

_Member = TypeVar("_Member", bound=StrEnum)
_Number = TypeVar("_Number", bound=int)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_PER_DAY = 86_400


class EnumCodec(Generic[_Member, _Number]):
    """Converts between an enum of the client and its proto enum.

    Members are matched by name. None is `*_UNSPECIFIED` on the wire.

    Attributes:
        numbers: The wire number of each member, and of None.
    """

    def __init__(
        self, members: type[_Member], prefix: str, wire: Iterable[tuple[str, _Number]]
    ) -> None:
        self.numbers: dict[_Member | None, _Number] = {}
        self._members: dict[int, _Member] = {}
        for name, number in wire:
            if number == 0:
                self.numbers[None] = number
            else:
                member = members(name.removeprefix(prefix))
                self.numbers[member] = number
                self._members[number] = member

    def to_wire(self, member: _Member | None) -> _Number:
        """Return the number of a member."""
        return self.numbers[member]

    def from_wire(self, number: int) -> _Member | None:
        """Return the member of a number; None if unspecified or from a newer authority."""
        return self._members.get(number)


CONSENT = EnumCodec(_enums.Consent, "CONSENT_", privacy_pb2.Consent.items())
DO_NOT_TRACK = EnumCodec(_enums.DoNotTrack, "DO_NOT_TRACK_", privacy_pb2.DoNotTrack.items())
MODE = EnumCodec(_enums.Mode, "MODE_", privacy_pb2.Mode.items())
HISTORY = EnumCodec(_enums.History, "HISTORY_", privacy_pb2.History.items())
VERDICT = EnumCodec(_enums.Verdict, "VERDICT_", privacy_pb2.Verdict.items())
PREFERENCE_SOURCE = EnumCodec(
    _enums.PreferenceSource,
    "PREFERENCE_SOURCE_",
    preference_pb2.PreferenceSource.items(),
)
PROOF = EnumCodec(_enums.Proof, "PROOF_", preference_pb2.Proof.items())
RELEASE = EnumCodec(_enums.Release, "RELEASE_", admin_pb2.Release.items())
ROLE = EnumCodec(_enums.Role, "ROLE_", admin_pb2.Role.items())
STATS_VIEW = EnumCodec(
    _enums.StatsView, "CAMPAIGN_STATS_VIEW_", stats_pb2.CampaignStatsView.items()
)
ENGAGEMENT = EnumCodec(_enums.Engagement, "ENGAGEMENT_", stats_pb2.Engagement.items())


def set_timestamp(timestamp: Timestamp, time: datetime) -> None:
    """Write a time zone aware time into a message field.

    Three times as fast as `Timestamp.FromDatetime`, which shows in batches of events.

    Raises:
        ValueError: if the time has no time zone.
    """
    if time.tzinfo is None:
        raise ValueError("the time has no time zone; use datetime.now(UTC)")
    elapsed = time - _EPOCH
    timestamp.seconds = elapsed.days * _SECONDS_PER_DAY + elapsed.seconds
    timestamp.nanos = elapsed.microseconds * 1000


def from_timestamp(timestamp: Timestamp) -> datetime:
    """Return a message field as a time in UTC."""
    return timestamp.ToDatetime(tzinfo=UTC)
