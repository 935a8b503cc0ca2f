"""Fixtures: a headless browser, and an edge with the preference page of a contact."""

import os
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests.dashboard.conftest import dashboard  # noqa: F401 - a fixture
from tests.edge.conftest import edge, edge_key  # noqa: F401 - fixtures

from .find_chromium import find_chromium
from .windows import Windows

ARGUMENTS = (
    # Requests that a browser makes on its own.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)


@pytest.fixture(scope="session")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A headless Chromium. It ends with this process, even if that is killed."""
    executable = find_chromium()
    if executable is None:
        missing = (
            "there is no Chromium: run `make browser`, or name one with HUSHPOST_TEST_CHROMIUM"
        )
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    home = str(tmp_path_factory.mktemp("browser"))
    # Debian's writes there, whatever folder the profile has.
    environment: dict[str, str | float | bool] = {
        **os.environ,
        "XDG_CONFIG_HOME": home,
        "XDG_CACHE_HOME": home,
    }
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, args=list(ARGUMENTS), env=environment
        )
        yield browser
        await browser.close()


@pytest.fixture
async def windows(browser: Browser) -> AsyncIterator[Windows]:
    """Windows that close with the test, which fails if a page does something wrong."""
    async with Windows(browser) as opened:
        yield opened
        assert opened.problems == []
