"""Takes the pictures of the documentation from a running demo, with the browser of an argument.

Usage: take_screenshots.py CHROMIUM FOLDER
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from hushpost_demo.earlier_campaigns import CAMPAIGNS

HUSHPOST = Path(sys.executable).with_name("hushpost")
MAX_BYTES = 150_000
DESKTOP: Any = {"width": 1280, "height": 860}
PHONE: Any = {"width": 390, "height": 844}
CARD: Any = {"width": 720, "height": 900}


@dataclass(frozen=True)
class Demo:
    """What a demo has printed."""

    dashboard: str
    key: str
    preference_page: str


@contextmanager
def running_demo(folder: str) -> Iterator[Demo]:
    """Run a demo on free ports."""
    listen = [f"--{part}listen=127.0.0.1:0" for part in ("", "edge-", "dashboard-")]
    command = [str(HUSHPOST), "demo", f"--data-dir={folder}", *listen]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            printed = ""
            for line in process.stdout or ():
                printed += line
                if "Ctrl-C stops it" in line:
                    break
            yield Demo(
                _printed(r"^(http://\S+)/campaigns/", printed),
                _printed(r"^(hp_\S+)$", printed),
                _printed(r"^(http://\S+/p/\S+)$", printed),
            )
        finally:
            process.terminate()


def _printed(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise SystemExit(f"the demo has not printed {pattern}:\n{text}")
    return found.group(1)


def take_all(browser: Browser, demo: Demo, folder: Path) -> None:
    """Take all pictures."""
    session = _signed_in(browser, demo)
    page = f"{demo.dashboard}/campaigns/{CAMPAIGNS[-1].campaign_id}"
    signed_in = {"storage_state": session, "viewport": DESKTOP}
    shots: dict[str, tuple[str, dict[str, Any]]] = {
        "campaign-light": (page, signed_in),
        "campaign-dark": (page, {**signed_in, "color_scheme": "dark"}),
        "campaign-phone": (page, {**signed_in, "viewport": PHONE}),
        "campaigns": (f"{demo.dashboard}/campaigns", signed_in),
        "preference-page": (demo.preference_page, {"viewport": CARD, "locale": "en"}),
    }
    for name, (url, options) in shots.items():
        context = browser.new_context(device_scale_factor=1.5, **options)
        tab = context.new_page()
        tab.goto(url)
        if url == page:
            # Charts have been drawn by then.
            tab.locator("#live[data-state=on]").wait_for()
        _save(tab.screenshot(), folder / f"{name}.png")
        context.close()


def _signed_in(browser: Browser, demo: Demo) -> Any:
    context = browser.new_context()
    page = context.new_page()
    page.goto(demo.dashboard)
    page.locator("#api_key").fill(demo.key)
    page.keyboard.press("Enter")
    page.wait_for_url("**/campaigns")
    return context.storage_state()


def _save(picture: bytes, file: Path) -> None:
    """Save a picture with few colours, and check its size."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    # This method keeps rare colours, such as those of the lines of a chart.
    few = image.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(file, optimize=True)
    size = file.stat().st_size
    if size > MAX_BYTES:
        raise SystemExit(f"{file} has {size:,} bytes; at most {MAX_BYTES:,} are allowed")


def main(chromium: str, folder: Path) -> None:
    """Run a demo in a temporary folder, and take its pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, running_demo(data) as demo, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium)
        take_all(browser, demo, folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
