"""Moves the focus with the keyboard, as people do who use no mouse."""

from playwright.async_api import Locator, Page, expect

__all__ = ["press_until"]

_MAX_KEYS = 60


async def press_until(page: Page, key: str, target: Locator) -> None:
    """Press a key until an element has the focus; each element on the way shows the focus."""
    # A key that is pressed while the next page loads is lost.
    await page.wait_for_load_state()
    for _ in range(_MAX_KEYS):
        await page.keyboard.press(key)
        focused = page.locator(":focus-visible")
        await expect(focused).to_have_count(1)
        width = await focused.evaluate(
            "element => parseFloat(getComputedStyle(element).outlineWidth)"
        )
        assert width >= 2, await focused.evaluate("element => element.outerHTML")
        if await target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{key} does not reach {target}")
