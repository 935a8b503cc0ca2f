"""`hushpost policy` sets and prints the branding of preference pages."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from hushpost_client import PageBranding
from tests.conftest import Clients
from tests.images import PNG


@pytest.fixture
def policy(hushpost: Any, authority: Any, tenant: Any) -> Any:
    """Run `hushpost policy` with an ADMIN key of the tenant."""

    async def run(*arguments: str) -> Any:
        fixed = ("--authority", authority.target)
        return await hushpost("policy", *arguments, *fixed, key=tenant.admin_key)

    return run


async def _branding(clients: Clients) -> PageBranding:
    return (await clients.admin.admin.get_tenant()).policy.branding


async def test_options_set_the_branding(policy: Any, clients: Clients, tmp_path: Path) -> None:
    """Changes are printed; `get` prints the options that restore all but the logo."""
    logo = tmp_path / "logo.png"
    logo.write_bytes(PNG)
    options = [
        *("--accent-color", "#0b57a4", "--imprint-url", "https://example.com/imprint"),
        *("--intro", "en=It's\nyours", "--intro", "de=Hallo", "--default-language", "de"),
    ]
    done = await policy("set", *options, "--logo", str(logo), "--yes")
    assert (done.code, done.err) == (0, "")
    assert "  branding.accent_color: none -> #0b57a4\n" in done.out
    assert f"  branding.logo: none -> {len(PNG)} bytes\n" in done.out
    expected = PageBranding(
        accent_color="#0b57a4",
        logo=PNG,
        logo_media_type="image/png",
        imprint_url="https://example.com/imprint",
        intro={"en": "It's\nyours", "de": "Hallo"},
        default_language="de",
    )
    assert await _branding(clients) == expected
    shown = (await policy("get")).out
    assert f"# --logo: image/png, {len(PNG)} bytes\n" in shown
    arguments = shlex.split(shown, comments=True)
    again = await policy("set", *arguments)
    assert "Nothing changes" in again.out


async def test_an_empty_option_removes_a_field(policy: Any, clients: Clients) -> None:
    """Other fields stay."""
    await policy("set", "--accent-color=#0b57a4", "--intro=en=Hello", "--yes")
    done = await policy("set", "--intro", "", "--yes")
    assert done.code == 0
    assert await _branding(clients) == PageBranding(accent_color="#0b57a4")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ((), "nothing to change"),
        (("--logo", "/does/not/exist.png"), "--logo"),
        (("--intro", "Hello"), "LANGUAGE=TEXT"),
    ],
)
async def test_a_wrong_option_is_a_usage_error(
    policy: Any, clients: Clients, options: tuple[str, ...], problem: str
) -> None:
    """Nothing is changed."""
    done = await policy("set", *options, "--yes")
    assert (done.code, problem in done.err) == (2, True)
    assert await _branding(clients) == PageBranding()
