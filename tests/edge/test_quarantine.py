"""The quarantine: rejected events that are kept in the spool's file and sent again."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hushpost_client import ErrorReason, RecordedEvents, RejectedEvent, Verdict
from hushpost_edge.quarantine import Quarantine
from hushpost_edge.rejections import reasons_that_may_pass
from hushpost_edge.spool import Spool
from hushpost_edge.spooled_event import RECORD_BYTES, SpooledEvent, pack, unpack

from .ciphers import CIPHER, PlainCipher

SECOND = 1_000_000
DAY = 24 * 3600
NOW = 1_800_000_000 * SECOND
FUTURE, CAMPAIGN, KEY = (
    str(reason)
    for reason in (
        ErrorReason.EVENT_TIME_IN_FUTURE,
        ErrorReason.CAMPAIGN_NOT_FOUND,
        ErrorReason.TOKEN_KEY_UNKNOWN,
    )
)
LARGE = 1 << 30


def event(number: int) -> SpooledEvent:
    """Create an event with a unique token."""
    token = b"\1\1secret-token-" + number.to_bytes(27)
    return SpooledEvent(token, number, NOW, Verdict.HUMAN, privacy_signal=False, repeated=False)


def packed(*numbers: int) -> bytes:
    """Pack events."""
    return b"".join(pack(event(number)) for number in numbers)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """An empty spool, in which all events are due."""
    spool = Spool(tmp_path / "1.sqlite", lambda: NOW, CIPHER)
    yield spool
    spool.close()


@pytest.fixture
def quarantine(spool: Spool) -> Quarantine:
    """Its quarantine."""
    return spool.quarantine


def numbers_of(quarantine: Quarantine) -> list[int]:
    """Return the events in quarantine by sending everything once, without any success."""
    found, after = [], 0
    while retry := quarantine.retry(after, quarantine.last_row()):
        found += [event.link for event in retry.events]
        reasons = [row.reason for row in retry.rows for _ in unpack(row.events)]
        quarantine.settle(retry, dict(enumerate(reasons)))
        after = retry.last
    return found


def reopened(file: Path) -> Spool:
    """Open the file as after a crash."""
    return Spool(file, lambda: NOW, CIPHER)


def test_a_batch_moves_to_the_quarantine_in_one_step(tmp_path: Path, spool: Spool) -> None:
    """Dropping a batch keeps some of its events; the spool no longer has any."""
    Spool(tmp_path / "1.sqlite", lambda: 1, CIPHER).append(1, packed(*range(10)), ())
    batch = spool.batch()
    assert batch is not None
    assert spool.drop(batch, {3: FUTURE, 5: CAMPAIGN, 7: FUTURE}, LARGE) == 0
    assert spool.batch() is None
    assert spool.quarantine.measure() == ({FUTURE: 2, CAMPAIGN: 1}, 0)
    assert sorted(numbers_of(reopened(tmp_path / "1.sqlite").quarantine)) == [3, 5, 7]


def test_a_failed_move_changes_nothing(tmp_path: Path, spool: Spool) -> None:
    """If the disk fails in the middle, the batch is still there, and the quarantine empty."""
    Spool(tmp_path / "1.sqlite", lambda: 1, CIPHER).append(1, packed(*range(10)), ())
    batch = spool.batch()
    assert batch is not None
    spool._db.execute(
        "create temp trigger fails before insert on quarantine begin select raise(fail, 'x'); end"
    )
    with pytest.raises(sqlite3.Error):
        spool.drop(batch, {0: FUTURE}, LARGE)
    assert spool.batch() == batch
    assert spool.quarantine.measure() == ({}, 0)


def test_a_retry_is_the_same_after_a_crash(tmp_path: Path, quarantine: Quarantine) -> None:
    """Until a retry is settled, it has the same events and request id."""
    quarantine.add({FUTURE: packed(*range(2_500)), CAMPAIGN: packed(*range(2_500, 7_500))}, LARGE)
    first = quarantine.retry(0, quarantine.last_row())
    assert first is not None
    assert len(first.events) == 4_500
    quarantine.add({FUTURE: packed(9_999)}, LARGE)
    again = reopened(tmp_path / "1.sqlite").quarantine
    assert again.retry(0, again.last_row()) == first
    again.settle(first, {})
    second = again.retry(first.last, again.last_row())
    assert second is not None
    assert second.request_id != first.request_id
    assert [event.link for event in first.events + second.events] == [*range(7_500), 9_999]


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_each_event_is_kept_or_deleted_as_the_response_says(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever is rejected, exactly the rejected events stay, with their new reasons."""
    spool = Spool(tmp_path_factory.mktemp("q") / "1.sqlite", lambda: NOW, CIPHER)
    quarantine = spool.quarantine
    expected: dict[int, str] = {}
    reasons = st.sampled_from((FUTURE, CAMPAIGN, KEY))
    for number in range(data.draw(st.integers(1, 30))):
        reason = data.draw(reasons)
        quarantine.add({reason: packed(number)}, LARGE)
        expected[number] = reason
    for _ in range(3):
        retry = quarantine.retry(0, quarantine.last_row())
        if retry is None:
            break
        outcome = {
            index: data.draw(st.none() | reasons, label=str(event.link))
            for index, event in enumerate(retry.events)
        }
        numbers = [event.link for event in retry.events]
        assert sorted(numbers) == sorted(expected)
        quarantine.settle(retry, {i: reason for i, reason in outcome.items() if reason})
        expected = {numbers[i]: reason for i, reason in outcome.items() if reason}
    counts, _ = quarantine.measure()
    assert counts == {
        reason: list(expected.values()).count(reason) for reason in set(expected.values())
    }
    assert sorted(numbers_of(quarantine)) == sorted(expected)
    spool.close()


def test_the_quarantine_is_bounded(quarantine: Quarantine) -> None:
    """What does not fit is dropped; tokens that anybody can invent fill an eighth at most."""
    limit = 80 * RECORD_BYTES
    assert quarantine.add({KEY: packed(*range(30))}, limit) == 20
    assert quarantine.add({FUTURE: packed(*range(100, 200))}, limit) == 30
    assert quarantine.add({CAMPAIGN: packed(1), KEY: packed(2)}, limit) == 2
    assert quarantine.measure()[0] == {KEY: 10, FUTURE: 70}


def test_events_are_deleted_after_seven_days(tmp_path: Path) -> None:
    """Events age while the edge runs, and are deleted after seven days, also from the files."""
    spool = Spool(tmp_path / "1.sqlite", lambda: NOW, PlainCipher())
    quarantine = spool.quarantine
    quarantine.add({FUTURE: packed(1)}, LARGE)
    assert quarantine.add_seconds(6 * DAY) == 0
    quarantine.add({FUTURE: packed(2)}, LARGE)
    assert quarantine.measure() == ({FUTURE: 2}, 6 * DAY)
    assert quarantine.add_seconds(DAY + 1) == 1
    assert quarantine.measure() == ({FUTURE: 1}, DAY + 1)
    assert quarantine.add_seconds(6 * DAY) == 1
    spool.clean_up()
    for file in tmp_path.iterdir():
        assert b"secret-token-" not in file.read_bytes(), file
    spool.close()


def test_events_whose_outcome_is_open_do_not_expire(quarantine: Quarantine) -> None:
    """Events that are being sent are not deleted, because they may have been recorded."""
    quarantine.add({FUTURE: packed(1)}, LARGE)
    retry = quarantine.retry(0, quarantine.last_row())
    assert quarantine.add_seconds(8 * DAY) == 0
    assert quarantine.retry(0, quarantine.last_row()) == retry


def test_events_that_arrive_together_share_a_row(quarantine: Quarantine) -> None:
    """A trickle of events does not become thousands of rows."""
    for number in range(2_000):
        quarantine.add({FUTURE: packed(number)}, LARGE)
    assert quarantine.last_row() == 2
    assert numbers_of(quarantine) == list(range(2_000))


@pytest.mark.parametrize(
    ("reason", "age", "is_kept"),
    [
        (ErrorReason.TOKEN_INVALID, 0, False),
        (ErrorReason.TOKEN_KEY_UNKNOWN, 0, True),
        (ErrorReason.CAMPAIGN_NOT_FOUND, 0, True),
        (ErrorReason.LINK_NOT_FOUND, 0, True),
        (ErrorReason.TENANT_NOT_ALLOWED, 0, True),
        (ErrorReason.EVENT_TIME_IN_FUTURE, 0, True),
        (ErrorReason.EVENT_TIME_TOO_OLD, 29 * DAY, True),
        (ErrorReason.EVENT_TIME_TOO_OLD, 31 * DAY, False),
        (ErrorReason("A_REASON_OF_THE_FUTURE"), 0, True),
    ],
)
def test_only_what_can_never_become_good_is_deleted(
    reason: ErrorReason, age: int, *, is_kept: bool
) -> None:
    """An event is deleted if its token is invalid, or if both clocks find it too old."""
    old = event(1)._replace(time=NOW - age * SECOND)
    rejected = (RejectedEvent(index=1, reason=reason, message=""),)
    response = RecordedEvents(accepted_count=1, rejected=rejected)
    kept = reasons_that_may_pass([event(0), old], response, NOW)
    assert kept == ({1: str(reason)} if is_kept else {})
