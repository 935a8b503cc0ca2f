"""The preference page when a call to the authority fails, or too many are in progress."""

import asyncio
from typing import cast
from urllib.parse import urlencode

import pytest
from starlette.requests import Request
from starlette.types import Message

from hushpost_client import (
    Consent,
    DeadlineExceededError,
    DoNotTrack,
    ErrorReason,
    HushpostError,
    InternalError,
    Mode,
    Preference,
    Preferences,
    ResourceExhaustedError,
    UnavailableError,
)
from hushpost_edge.page_templates import PageTemplates
from hushpost_edge.preference_page import PreferencePage

UNDECIDED = Preference(
    contact_id=None,
    do_not_track=DoNotTrack.UNSET,
    mode=Mode.IDENTIFIED,
    update_time=None,
    opens_consent=Consent.UNKNOWN,
    clicks_consent=Consent.UNKNOWN,
    opens_mode=Mode.IDENTIFIED,
    clicks_mode=Mode.IDENTIFIED,
)


class FailingPreferences:
    """Returns the preference, and fails to set it."""

    def __init__(self, error: HushpostError) -> None:
        self._error = error

    async def get_preference_by_token(self, _token: str, *, timeout: float) -> Preference:
        """Return a preference."""
        assert timeout > 0
        return UNDECIDED

    async def set_preference_by_token(self, *_arguments: object, **_fields: object) -> Preference:
        """Fail."""
        raise self._error


class WaitingPreferences:
    """Returns no preference before `go` is set."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def get_preference_by_token(self, _token: str, *, timeout: float) -> Preference:
        """Wait, then return a preference."""
        assert timeout > 0
        await self.go.wait()
        return UNDECIDED


def request(**fields: str) -> Request:
    """Return a request with the fields of a form."""

    async def receive() -> Message:
        return {"type": "http.request", "body": urlencode(fields).encode(), "more_body": False}

    token = "A" * 46
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "server": ("localhost", 80),
        "path": f"/p/{token}",
        "path_params": {"token": token},
        "query_string": b"",
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
    }
    return Request(scope, receive)


def page_of(preferences: object) -> PreferencePage:
    """Return a page with a stand-in for the client."""
    return PreferencePage(cast("Preferences", preferences), PageTemplates())


@pytest.mark.parametrize(
    "error",
    [UnavailableError("gone"), DeadlineExceededError("late"), InternalError("broken")],
    ids=lambda error: type(error).__name__,
)
async def test_a_choice_that_may_be_saved_is_not_denied(error: HushpostError) -> None:
    """If the connection ends during the call, the page claims neither success nor failure."""
    response = await page_of(FailingPreferences(error)).decide(request(choice="decline"))
    assert response.status_code == 503
    page = bytes(response.body).decode()
    assert "may or may not have been saved" in page
    assert "Nothing was changed" not in page


async def test_a_rejected_choice_is_not_saved() -> None:
    """A call that the overloaded authority rejects has changed nothing."""
    error = ResourceExhaustedError("busy", reason=ErrorReason.OVERLOADED)
    response = await page_of(FailingPreferences(error)).decide(request(choice="decline"))
    assert response.status_code == 503
    assert "Nothing was changed" in bytes(response.body).decode()


async def test_concurrent_requests_are_limited() -> None:
    """Beyond 32 requests in progress, the page says to try again; later ones work."""
    preferences = WaitingPreferences()
    page = page_of(preferences)
    waiting = [asyncio.create_task(page.show(request())) for _ in range(32)]
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        assert (await page.show(request())).status_code == 503
    preferences.go.set()
    assert {response.status_code for response in await asyncio.gather(*waiting)} == {200}
    assert (await page.show(request())).status_code == 200
