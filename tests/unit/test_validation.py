"""Validation of request fields."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.validation import (
    checked_batch,
    checked_contact_id,
    checked_contact_ids,
    checked_event_time,
    checked_page_size,
    checked_past,
    checked_request_id,
    checked_tenant_id,
    checked_url,
)

NOW = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) * 1_000_000
LATEST = datetime(2026, 6, 1, tzinfo=UTC)


def refusal(call: Callable[[], object]) -> Reason:
    """Return why a value is rejected."""
    with pytest.raises(HushpostError) as caught:
        call()
    return caught.value.reason


@given(st.text(min_size=1, max_size=200))
def test_a_contact_id_is_any_text_of_128_bytes_without_control_characters(text: str) -> None:
    """The length counts bytes of UTF-8; accepted ids are returned unchanged."""
    printable = not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in text)
    if printable and len(text.encode()) <= 128:
        assert checked_contact_id(text) == text
    else:
        assert refusal(lambda: checked_contact_id(text)) is Reason.CONTACT_ID_INVALID


def test_an_empty_contact_id_is_rejected() -> None:
    """An empty contact id is CONTACT_ID_INVALID."""
    assert refusal(lambda: checked_contact_id("")) is Reason.CONTACT_ID_INVALID


@given(st.lists(st.text(max_size=3) | st.sampled_from(("a" * 128, "a" * 129)), min_size=1))
def test_a_batch_of_contact_ids_is_checked_like_each(ids: list[str]) -> None:
    """The error has the index of the first invalid id."""
    bad = []
    for index, contact_id in enumerate(ids):
        try:
            checked_contact_id(contact_id)
        except HushpostError:
            bad.append(index)
    if bad:
        with pytest.raises(HushpostError) as caught:
            checked_contact_ids(ids)
        assert caught.value.metadata == {"index": str(bad[0])}
    else:
        checked_contact_ids(ids)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://example.com:8080/a/b?x=1&y=%C3%A4#top",
        "https://shop.example.com/ä?q={{placeholder}}",
        "HTTPS://EXAMPLE.COM/",
        "https://user@example.com/",
        "https://[2001:db8::1]/",
        "https://example.com/" + "a" * 8000,
    ],
)
def test_absolute_web_urls_are_valid_links(url: str) -> None:
    """A link's URL is returned unchanged."""
    assert checked_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "/relative",
        "//example.com/",
        "https://",
        "https:///path",
        "javascript:alert(1)",
        "data:text/html,x",
        "mailto:a@example.com",
        "ftp://example.com/",
        "https://example.com/a b",
        "https://example.com/\r\nSet-Cookie: x",
        "https://example.com/\x00",
        "https://example.com:99999/",
        "https://example.com/" + "a" * 8192,
        " https://example.com/",
    ],
)
def test_other_urls_are_rejected(url: str) -> None:
    """URLs that are not http or https, or not safe in a header, are rejected."""
    assert refusal(lambda: checked_url(url)) is Reason.LINK_URL_INVALID


@given(st.uuids())
def test_a_request_id_is_a_uuid(request_id: uuid.UUID) -> None:
    """Any UUID but two is accepted, and so is an empty request id."""
    assume(request_id.int not in (0, 2**128 - 1))
    assert checked_request_id(str(request_id)) == request_id
    assert checked_request_id("") is None


@pytest.mark.parametrize(
    "text",
    [
        *("x", "1234", "not-a-uuid", "0" * 33, "é" * 36),
        *(str(uuid.UUID(int=0)), str(uuid.UUID(int=2**128 - 1)), "0" * 32, "F" * 32),
    ],
)
def test_other_request_ids_are_rejected(text: str) -> None:
    """Any other text, and the nil and max UUID, are REQUEST_ID_INVALID."""
    assert refusal(lambda: checked_request_id(text)) is Reason.REQUEST_ID_INVALID


@pytest.mark.parametrize(
    ("offset", "reason"),
    [
        (300_000_001, Reason.EVENT_TIME_IN_FUTURE),
        (10**18, Reason.EVENT_TIME_IN_FUTURE),
        (-30 * 86400 * 1_000_000 - 1, Reason.EVENT_TIME_TOO_OLD),
        (-(10**18), Reason.EVENT_TIME_TOO_OLD),
    ],
)
def test_times_out_of_range_are_rejected(offset: int, reason: Reason) -> None:
    """Event times may be at most five minutes in the future and 30 days in the past."""
    assert refusal(lambda: checked_event_time(NOW + offset, NOW)) is reason


@pytest.mark.parametrize("offset", [300_000_000, 0, -30 * 86400 * 1_000_000])
def test_times_at_the_bounds_are_accepted(offset: int) -> None:
    """The limits themselves are accepted."""
    assert checked_event_time(NOW + offset, NOW) == NOW + offset


def test_page_sizes() -> None:
    """0 means 100, and no page has more than 1,000."""
    assert [checked_page_size(size) for size in (0, 1, 1000, 5000)] == [100, 1, 1000, 1000]
    assert refusal(lambda: checked_page_size(-1)) is Reason.PAGE_SIZE_INVALID


def test_batches() -> None:
    """A batch has 1 to 10,000 items."""
    checked_batch(range(10_000), "events")
    assert refusal(lambda: checked_batch([], "events")) is Reason.BATCH_EMPTY
    assert refusal(lambda: checked_batch(range(10_001), "events")) is Reason.BATCH_TOO_LARGE


@pytest.mark.parametrize("text", ["", "Acme", "-a", "a b", "a" * 65, "ä", "a/b", "a\n"])
def test_tenant_ids_are_safe_in_paths(text: str) -> None:
    """A valid tenant id is safe in a URL path and in a file name."""
    assert refusal(lambda: checked_tenant_id(text)) is Reason.ID_INVALID


@pytest.mark.parametrize("time", [datetime(1970, 1, 1, tzinfo=UTC), LATEST, None])
def test_a_stated_time_is_from_1970_until_five_minutes_ahead(time: datetime | None) -> None:
    """Clocks may differ by five minutes; no time is valid, too."""
    assert checked_past(time, "time", LATEST - timedelta(minutes=5)) == time


@pytest.mark.parametrize(
    "time",
    [
        LATEST + timedelta(microseconds=1),
        datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ],
)
def test_another_stated_time_is_rejected(time: datetime) -> None:
    """The extremes would be stored as -infinity and infinity."""
    now = LATEST - timedelta(minutes=5)
    assert refusal(lambda: checked_past(time, "time", now)) is Reason.FIELD_INVALID
