"""`render_messages_per_second`: one newsletter rendered with given tokens, next to pytracking."""

import time
from collections.abc import Callable
from secrets import token_urlsafe

import pytracking  # type: ignore[import-untyped]
from pytracking.html import adapt_html  # type: ignore[import-untyped]

import hushpost_mail
from bench.authority import Authority
from bench.child_process import ReportProgress
from bench.results import Figure, Result, Spread, ratios

__all__ = ["measure"]

_LINKS = 20
_CHARACTERS = 30_000
_ROUNDS = 9
_MESSAGES = 20_000
_PYTRACKING_MESSAGES = 100
_TRACKING_URL = "https://t.example.com"
_ROW = (
    '<tr><td style="padding:0 28px 12px;font:15px/1.5 Georgia,serif;color:#33281f;">'
    '<a href="https://kettle.example.com/teas/{n}?utm_source=newsletter&amp;issue=48">Tea {n}</a>'
    "<p>{text}</p></td></tr>\n"
)


async def measure(_authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Render the same newsletter with both libraries in turn."""
    html = _newsletter()
    template = hushpost_mail.parse_template(html, tracking_url=_TRACKING_URL)
    configuration = pytracking.Configuration(
        base_open_tracking_url=f"{_TRACKING_URL}/o/", base_click_tracking_url=f"{_TRACKING_URL}/c/"
    )

    def render_ours(token: str) -> str:
        return template.render(token).html or ""

    def render_pytracking(token: str) -> str:
        rendered: str = adapt_html(html, {"token": token}, configuration=configuration)
        return rendered

    ours, bare = [], []
    for number in range(_ROUNDS + 1):
        report_progress(f"round {number} of {_ROUNDS}")
        ours.append(_messages_per_second(render_ours, _MESSAGES))
        bare.append(_messages_per_second(render_pytracking, _PYTRACKING_MESSAGES))
    ours, bare = ours[1:], bare[1:]  # round 0 warms up
    return [
        Figure.of(
            "render_messages_per_second",
            ours,
            "messages/s",
            reference="pytracking, which parses the message for each recipient, "
            f"{Spread.of(bare).median:,.0f} messages/s",
            ratio=ratios(ours, bare).median,
            conditions=f"{len(html) / 1000:.0f} kB of HTML, {_LINKS} links, tokens already issued",
        )
    ]


def _newsletter() -> str:
    length = _CHARACTERS // _LINKS - len(_ROW)
    text = ("Brew it with water off the boil and give it time. " * length)[:length]
    rows = "".join(_ROW.format(n=n, text=text) for n in range(_LINKS))
    return f"<!doctype html><html><body><table>\n{rows}</table></body></html>\n"


def _messages_per_second(render: Callable[[str], str], count: int) -> float:
    """Render for `count` recipients, and check the last message."""
    tokens = [token_urlsafe(42) for _ in range(count)]
    start = time.perf_counter()
    for token in tokens:
        rendered = render(token)
    throughput = count / (time.perf_counter() - start)
    assert rendered.count(f"{_TRACKING_URL}/c/") == _LINKS, "some links were not rewritten"
    assert rendered.count(f"{_TRACKING_URL}/o/") == 1, "the pixel is missing"
    return throughput
