"""`python -m bench.dashboard_page`: measure what the page of a campaign costs a browser.

Exits with 1 if a first visit transfers more than 300 kB, or if the browser shows nothing of a usual
campaign within 300 ms (median). The large one has as many groups and links as the authority is
measured with; no report of it is cached.
"""

import asyncio
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

from hushpost_client import Hushpost, NewLink, PolicyUpdate, Release
from tests.authority import AuthorityProcess
from tests.browser.find_chromium import find_chromium
from tests.conftest import RunningAuthority, make_tenant
from tests.dashboard.dashboard_process import DashboardProcess

_SIZES = {"usual": (20, 20), "large": (2_000, 500)}
"""Groups and links of the campaigns."""

_VISITS = 9
_MAX_BYTES, _MAX_MILLISECONDS = 300_000, 300.0
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


async def _main() -> int:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hushpost-bench-")))
        process = stack.enter_context(AuthorityProcess(folder / "authority"))
        authority = RunningAuthority(process, process.target, process.admin_key())
        keys = await make_tenant(authority, PolicyUpdate(release=Release.EXACT))
        async with authority.client(keys.sender_key) as sender:
            for name, (groups, links) in _SIZES.items():
                await _create_campaign(sender, name, groups, links)
        dashboard = stack.enter_context(DashboardProcess(folder / "dashboard", process.target))
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox"]
        )
        stack.push_async_callback(browser.close)
        origin = f"http://127.0.0.1:{dashboard.port}"
        results = {
            name: [await _visit(browser, origin, keys.reporter_key, name) for _ in range(_VISITS)]
            for name in _SIZES
        }
    size = max(size for visits in results.values() for size, _ in visits)
    paints = {name: statistics.median(paint for _, paint in results[name]) for name in _SIZES}
    print(f"transferred:                   {size / 1000:5.0f} kB, at most {_MAX_BYTES / 1000:.0f}")
    print(
        f"first contentful paint, usual: {paints['usual']:5.0f} ms, at most {_MAX_MILLISECONDS:.0f}"
    )
    print(f"first contentful paint, large: {paints['large']:5.0f} ms")
    return int(size > _MAX_BYTES or paints["usual"] > _MAX_MILLISECONDS)


async def _create_campaign(sender: Hushpost, name: str, groups: int, count: int) -> None:
    links = [
        NewLink(f"https://shop.example.com/product/{number}", label=f"product {number}")
        for number in range(count)
    ]
    anchors = "".join(f'<p><a href="{link.url}">{link.label}</a></p>' for link in links)
    await sender.campaigns.create_campaign(
        name,
        links=links,
        groups=[f"segment {number}" for number in range(groups)],
        message_html=f"<body>{anchors}</body>",
    )
    for number in range(20):
        contacts = [f"{name}-{number}-{index}" for index in range(20)]
        await sender.campaigns.issue_tokens(name, f"segment {number}", contacts)


async def _visit(browser: Browser, origin: str, api_key: str, name: str) -> tuple[float, float]:
    """Return the bytes and milliseconds of a visit with an empty cache."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{origin}/sign-in")
    await page.fill("#api_key", api_key)
    await page.press("#api_key", "Enter")
    await page.wait_for_url("**/campaigns")
    session = await context.new_cdp_session(page)
    sizes: list[float] = []

    def add_size(event: dict[str, Any]) -> None:
        sizes.append(event["encodedDataLength"])

    session.on("Network.loadingFinished", add_size)
    await session.send("Network.enable")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    await page.goto(f"{origin}/campaigns/{name}")
    await page.wait_for_selector("#live:not([hidden])")
    paint: float = await page.evaluate(_PAINT)
    await context.close()
    return sum(sizes), paint


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
