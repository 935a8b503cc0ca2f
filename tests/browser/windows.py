"""Browser windows whose pages must neither report an error nor load from another host."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Self
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request

__all__ = ["NARROW", "Windows", "overflow", "violations"]

NARROW: Any = {"width": 360, "height": 740}
"""The viewport of a small phone."""

_SERIOUS = ("serious", "critical")


class Windows:
    """Opens windows with a profile of their own, and collects what their pages do wrong.

    Attributes:
        problems: Errors in the console, uncaught exceptions, and requests to other hosts.
    """

    def __init__(self, browser: Browser) -> None:
        self.problems: list[str] = []
        self._browser = browser
        self._contexts = AsyncExitStack()

    async def open(self, url: str, *, errors: Sequence[str] = (), **options: Any) -> Page:
        """Open a URL in a new window.

        Args:
            url: The address. Its pages may load from its host only.
            errors: Parts of the console errors that the test causes, such as "404".
            options: Of `Browser.new_context`: language, size, theme and so on.
        """
        # Colours that are still changing would be measured.
        settings: Any = {"reduced_motion": "reduce", **options}
        context: BrowserContext = await self._browser.new_context(**settings)
        self._contexts.push_async_callback(context.close)
        host = urlsplit(url).netloc

        def check_message(message: ConsoleMessage) -> None:
            if message.type == "error" and not any(part in message.text for part in errors):
                self.problems.append(f"{message.text} ({message.location.get('url')})")

        def check_request(request: Request) -> None:
            address = urlsplit(request.url)
            if address.scheme in {"http", "https", "ws", "wss"} and address.netloc != host:
                self.problems.append(f"{request.method} {request.url}")

        context.on("console", check_message)
        context.on("weberror", lambda error: self.problems.append(str(error.error)))
        context.on("request", check_request)
        page = await context.new_page()
        await page.goto(url)
        return page

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._contexts.aclose()


async def violations(page: Page, *rules: str) -> list[str]:
    """Return the serious and critical findings of axe-core on a page, with their elements.

    With rules, only those are checked.
    """
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    found = await Axe().run(page, options=options)
    return [
        f"{each['id']}: {node['html']}"
        for each in found.response["violations"]
        if each["impact"] in _SERIOUS
        for node in each["nodes"]
    ]


async def overflow(page: Page) -> int:
    """Return by how many pixels a page is wider than its window."""
    pixels: int = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return pixels
