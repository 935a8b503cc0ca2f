"""Sessions: sealed into cookies, opened until they expire or end."""

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from hushpost_dashboard.sessions import SESSION_SECONDS, Session, Sessions, session_cipher
from hushpost_runtime.settings import SettingsError

KEY = "hp_secret"


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def sessions(clock: Clock, cipher: Fernet | None = None) -> Sessions:
    """Return the sessions of a dashboard."""
    return Sessions(cipher or session_cipher(None), clock)


def test_a_cookie_gives_the_session_back() -> None:
    """With the key, the tenant and the secret of its forms; the cookie reveals none of them."""
    opened = sessions(Clock())
    session = opened.start(KEY, "acme ä")
    cookie = opened.seal(session)
    assert opened.open(cookie) == session
    assert KEY not in cookie
    assert KEY not in repr(session)


def test_sessions_have_ids_and_secrets_of_their_own() -> None:
    """Also those of the same key."""
    opened = sessions(Clock())
    first, second = opened.start(KEY, None), opened.start(KEY, None)
    assert first.session_id != second.session_id
    assert first.csrf_secret != second.csrf_secret


def test_a_session_expires_after_eight_hours() -> None:
    """Not before, whatever a browser does with the cookie."""
    clock = Clock()
    opened = sessions(clock)
    cookie = opened.seal(opened.start(KEY, None))
    clock.now += SESSION_SECONDS - 1
    assert opened.open(cookie) is not None
    clock.now += 1
    assert opened.open(cookie) is None


def test_an_ended_session_cannot_be_opened() -> None:
    """Others of the same key can."""
    opened = sessions(Clock())
    first, second = opened.start(KEY, None), opened.start(KEY, None)
    opened.end(first)
    assert opened.open(opened.seal(first)) is None
    assert opened.open(opened.seal(second)) is not None


def test_the_memory_of_ended_sessions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ones that ended last stay ended."""
    monkeypatch.setattr("hushpost_dashboard.sessions._MAX_ENDED", 3)
    opened = sessions(Clock())
    started: list[Session] = [opened.start(KEY, None) for _ in range(5)]
    for session in started:
        opened.end(session)
    is_open = [opened.open(opened.seal(session)) is not None for session in started]
    assert is_open == [True, True, False, False, False]


def test_dashboards_with_the_same_key_file_share_sessions(tmp_path: Path) -> None:
    """The file is created for the owner only; without it, cookies are of one process."""
    file = tmp_path / "session.key"
    first = sessions(Clock(), session_cipher(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    cookie = first.seal(first.start(KEY, None))
    assert sessions(Clock(), session_cipher(file)).open(cookie) is not None
    assert sessions(Clock()).open(cookie) is None


def test_unsafe_and_broken_key_files_are_rejected(tmp_path: Path) -> None:
    """A file that others can read, and one without a key."""
    file = tmp_path / "session.key"
    session_cipher(file)
    file.chmod(0o644)
    with pytest.raises(PermissionError):
        session_cipher(file)
    file.chmod(0o600)
    file.write_text("no key")
    with pytest.raises(SettingsError, match=r"session\.key"):
        session_cipher(file)
