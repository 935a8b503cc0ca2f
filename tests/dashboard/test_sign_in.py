"""Signing in with an API key, and signing out."""

from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie

import pytest

from hushpost_client import Role
from tests.authority import AuthorityProcess
from tests.conftest import Clients, TenantKeys
from tests.edge.conftest import set_up
from tests.log_lines import log_lines
from tests.waiting import eventually, until

from .conftest import TRUSTED
from .dashboard_process import DashboardProcess
from .visitor import Visitor, document, hidden_fields, text_of

WRONG_KEYS = ("x", "hp_" + "A" * 40, "hp_ä", "hp_a\nb", "hp_\x00", "Bearer hp_x", "A" * 5_000)


async def test_a_reporter_key_opens_a_session(visitor: Visitor, tenant: TenantKeys) -> None:
    """After signing in, the list of campaigns can be seen, and the key is on no page."""
    response = await visitor.sign_in(tenant.reporter_key)
    assert response.status == 303
    assert response.headers["location"] == b"/campaigns"
    page = await visitor.get("/campaigns")
    assert page.status == 200
    assert tenant.reporter_key.encode() not in page.body + str(visitor.cookies).encode()


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    visitor: Visitor, tenant: TenantKeys
) -> None:
    """It is HttpOnly, SameSite=Strict, without a domain, and expires after eight hours."""
    response = await visitor.sign_in(tenant.reporter_key)
    (line,) = [line for line in response.cookies if line.startswith("hushpost_session=")]
    cookie = SimpleCookie(line)["hushpost_session"]
    assert cookie["httponly"]
    assert cookie["samesite"].lower() == "strict"
    assert cookie["path"] == "/"
    assert cookie["max-age"] == str(8 * 3600)
    assert not cookie["domain"]
    assert not cookie["secure"]


async def test_behind_https_the_cookie_is_secure_and_bound_to_the_host(
    dashboard: DashboardProcess, tenant: TenantKeys
) -> None:
    """Browsers accept `__Host-` cookies only over TLS, from the host itself, for all paths."""
    visitor = Visitor(dashboard.port, "X-Forwarded-Proto: https")
    response = await visitor.sign_in(tenant.reporter_key)
    (line,) = [line for line in response.cookies if "hushpost_session" in line]
    assert line.startswith("__Host-hushpost_session=")
    assert SimpleCookie(line)["__Host-hushpost_session"]["secure"]
    assert response.headers["strict-transport-security"]
    assert await visitor.is_signed_in()
    # A cookie of that name without the prefix may come from another subdomain.
    visitor.cookies = {"hushpost_session": visitor.cookies["__Host-hushpost_session"]}
    assert not await visitor.is_signed_in()


async def test_wrong_keys_get_one_response(visitor: Visitor, clients: Clients) -> None:
    """Nothing tells malformed, unknown, revoked and expired keys apart."""
    expire_time = datetime.now(UTC) + timedelta(seconds=3)
    expired = await clients.admin.admin.create_api_key(Role.REPORTER, expire_time=expire_time)
    revoked = await clients.admin.admin.create_api_key(Role.REPORTER)
    await clients.admin.admin.revoke_api_key(revoked.api_key.key_id)
    await until(lambda: datetime.now(UTC) > expire_time)
    responses = set()
    for key in (*WRONG_KEYS, revoked.secret, expired.secret):
        assert key is not None
        response = await Visitor(visitor.port).sign_in(key)
        responses.add((response.status, text_of(response)))
        assert not any("hushpost_session" in line for line in response.cookies)
    ((status, text),) = responses
    assert status == 403
    assert "not accepted" in text


@pytest.mark.parametrize("role", ["sender", "edge", "admin"])
async def test_keys_of_other_roles_are_refused_with_the_reason(
    visitor: Visitor, tenant: TenantKeys, role: str
) -> None:
    """Also a key that may list campaigns does not open a session."""
    response = await visitor.sign_in(getattr(tenant, f"{role}_key"))
    assert response.status == 403
    assert "needs a key of role REPORTER" in text_of(response)
    assert not await visitor.is_signed_in()


async def test_signing_in_again_ends_the_earlier_session(
    reporter: Visitor, tenant: TenantKeys
) -> None:
    """The session of the cookie changes, so a stolen or planted cookie loses its value."""
    earlier = Visitor(reporter.port)
    earlier.cookies = dict(reporter.cookies)
    # The form of another tab: someone with a session is led to the list of campaigns.
    assert (await reporter.get("/sign-in")).status == 303
    other_tab = Visitor(reporter.port)
    form = hidden_fields(await other_tab.get("/sign-in"))
    reporter.cookies |= other_tab.cookies
    await reporter.post("/sign-in", **form, api_key=tenant.reporter_key)
    assert reporter.cookies["hushpost_session"] != earlier.cookies["hushpost_session"]
    assert await reporter.is_signed_in()
    assert not await earlier.is_signed_in()


async def test_signing_out_ends_all_copies_of_the_cookie(reporter: Visitor) -> None:
    """The cookie is deleted, and a copy of it is worthless."""
    copy = Visitor(reporter.port)
    copy.cookies = dict(reporter.cookies)
    response = await reporter.sign_out()
    assert response.headers["location"] == b"/sign-in"
    assert response.headers["clear-site-data"] == b'"cache"'
    assert "hushpost_session" not in reporter.cookies
    assert not await copy.is_signed_in()


async def test_changed_cookies_open_nothing(reporter: Visitor) -> None:
    """Each changed character makes the cookie invalid; so does a cookie of another dashboard."""
    cookie = reporter.cookies["hushpost_session"]
    position = len(cookie) // 2
    other = "A" if cookie[position] != "A" else "B"
    changed = cookie[:position] + other + cookie[position + 1 :]
    for value in (
        changed,
        cookie[:-4],
        cookie + "A",
        "",
        "A" * 10_000,
        "%00",
        "ä".encode().decode("latin-1"),
    ):
        reporter.cookies["hushpost_session"] = value
        assert not await reporter.is_signed_in(), value


async def test_a_revoked_key_ends_the_session(
    dashboard: DashboardProcess, clients: Clients
) -> None:
    """Once the key is revoked, pages lead to the sign-in page and the cookie is worthless."""
    key = await clients.admin.admin.create_api_key(Role.REPORTER)
    assert key.secret is not None
    visitor = Visitor(dashboard.port)
    await visitor.sign_in(key.secret)
    assert await visitor.is_signed_in()
    await clients.admin.admin.revoke_api_key(key.api_key.key_id)

    async def is_signed_in() -> bool:
        return "hushpost_session" in visitor.cookies and await visitor.is_signed_in()

    copy = Visitor(dashboard.port)
    copy.cookies = dict(visitor.cookies)
    await eventually(is_signed_in, False)  # noqa: FBT003 - the value to wait for
    assert "hushpost_session" not in visitor.cookies
    response = await copy.get("/compare?campaign=a")
    assert response.headers["location"] == b"/sign-in?next=/compare%3Fcampaign%3Da"
    assert "was revoked" in text_of(await copy.get("/sign-in?ended=1"))


async def test_an_outage_ends_no_session(tmp_path_factory: pytest.TempPathFactory) -> None:
    """While the authority is down, pages say so with status 503; then they work again."""
    folder = tmp_path_factory.mktemp("outage")
    with AuthorityProcess(folder / "authority") as process:
        keys = await set_up(process.target, process.admin_key())
        with DashboardProcess(folder / "dashboard", process.target, TRUSTED) as dashboard:
            visitor = Visitor(dashboard.port)
            await visitor.sign_in(keys.reporter_key)
            process.stop()
            page = await visitor.get("/campaigns")
            assert page.status == 503
            assert page.headers["retry-after"]
            assert "No numbers at the moment" in text_of(page)
            (call_id,) = [code.text() for code in document(page).css("code")]
            assert call_id in [line.get("call_id") for line in log_lines(dashboard.log_file)]
            attempt = await Visitor(dashboard.port).sign_in(keys.reporter_key)
            assert attempt.status == 503
            assert "could not be checked" in text_of(attempt)
            process.start()
            await eventually(visitor.is_signed_in, True)  # noqa: FBT003 - the value to wait for
            assert dashboard.stop() == 0
    assert "hp_" not in dashboard.log_file.read_text()
