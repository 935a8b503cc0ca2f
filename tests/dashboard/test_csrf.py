"""Forms of other sites change nothing."""

import pytest

from hushpost_dashboard.csrf import csrf_token, is_csrf_token
from tests.conftest import TenantKeys

from .visitor import Visitor, hidden_fields, text_of

SECRET = b"secret of a session"


def test_tokens_differ_and_belong_to_their_secret() -> None:
    """Each token is another one, so that compression does not reveal it; another secret's fails."""
    first, second = csrf_token(SECRET), csrf_token(SECRET)
    assert first != second
    assert is_csrf_token(SECRET, first)
    assert is_csrf_token(SECRET, second)
    assert not is_csrf_token(b"another secret", first)


@pytest.mark.parametrize("token", ["", "A", "A" * 64, "ä" * 64, "=" * 64, " " * 64])
def test_malformed_tokens_are_rejected(token: str) -> None:
    """They are wrong tokens, not errors."""
    assert not is_csrf_token(SECRET, token)
    assert not is_csrf_token(SECRET, csrf_token(SECRET)[:-1])
    assert not is_csrf_token(SECRET, csrf_token(SECRET) + token + "AAAA")


async def test_another_site_cannot_sign_someone_in(visitor: Visitor, tenant: TenantKeys) -> None:
    """Without the cookie and the token of the form, a valid key opens no session (login CSRF)."""
    attacker = Visitor(visitor.port)
    form = hidden_fields(await attacker.get("/sign-in"))
    assert (await visitor.post("/sign-in", api_key=tenant.reporter_key)).status == 403
    # With the attacker's token, but without the attacker's cookie.
    response = await visitor.post("/sign-in", **form, api_key=tenant.reporter_key)
    assert response.status == 403
    assert "Please try again" in text_of(response)
    assert "hushpost_session" not in visitor.cookies


async def test_another_site_cannot_sign_someone_out(reporter: Visitor) -> None:
    """Signing out needs the token of the session; the token of another session does not help."""
    attacker = Visitor(reporter.port)
    form = hidden_fields(await attacker.get("/sign-in"))
    for fields in ({}, {"csrf_token": ""}, {"csrf_token": form["csrf_token"]}):
        response = await reporter.post("/sign-out", **fields)
        assert response.headers["location"] == b"/campaigns"
        assert await reporter.is_signed_in()
    assert (await reporter.get("/sign-out")).status == 405
    assert await reporter.is_signed_in()


async def test_each_form_that_is_posted_has_a_token(reporter: Visitor) -> None:
    """All pages with a session have the form for signing out."""
    for path in ("/campaigns", "/compare", "/nowhere"):
        page = await reporter.get(path)
        assert hidden_fields(page, "/sign-out")["csrf_token"]


async def test_large_forms_are_rejected(visitor: Visitor) -> None:
    """A form may have 16 kB."""
    response = await visitor.post("/sign-in", api_key="A" * 20_000)
    assert response.status == 413
